"""A desk with something in every list of the dashboard, and its pages on a server of their own."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from typing import Any

import uvicorn

from alerts.testing import sample_facts
from forecast.alert import ChannelHealth, Delivery, RuleState, Silence, State, Transition
from forecast.alert import Selector as Which
from forecast.candidate import Candidate, Span
from forecast.estimate import Move
from forecast.evidence import CrowdForecast, Outcome, Resolution
from forecast.prior import PriorVersion
from forecast.store import Store
from forecast.store.runs import RunClaim
from forecast.store.schedules import Told
from forecast.watch import Watch
from jobs.app import App
from jobs.requests import answer_due
from tests.forecast.backtest_samples import backtest
from tests.forecast.report_samples import estimate
from tests.forecast.web.api_desk import NOW, ApiDesk, a_question, config_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MORE = """
[[sources]]
id = "gazette"
kind = "feed"
url = "https://gazette.invalid/feed.xml"
brings = "articles"
every = "15 minutes"
expected_gap = "1 day"

[[channels]]
id = "pager"
kind = "log"

[[schedules]]
id = "hourly"
every = "1 hour"

[[digests]]
id = "monday"
cron = "0 8 * * mon"
channels = ["desk"]
"""
SENTENCE = "Dockers will vote in a ballot at the harbour on Friday, the union says."


def a_candidate(number: int, **changes: Any) -> Candidate:
    """A statement that waits; two words of its sentence matched."""
    hit, unit = SENTENCE.index("ballot"), SENTENCE.index("harbour")
    made = Candidate(
        candidate_id=f"{number:064x}",
        article_id=f"a{number}",
        rule_id="ballot",
        unit="harbour",
        tag="union.ballot",
        value=0.5,
        score=0.8,
        occurred_at=NOW - DAY,
        known_at=NOW - HOUR,
        sentence=SENTENCE,
        sentence_start=100,
        spans=(
            Span(100 + hit, 100 + hit + 6, "ballot", "hit"),
            Span(100 + unit, 100 + unit + 7, "harbour", "unit"),
        ),
        reasons=("rule ballot: the words 'ballot'",),
        source="Port Gazette",
        url=f"https://gazette.invalid/{number}",
        title=f"Dockers prepare a vote, part {number}",
    )
    return replace(made, **changes)


def fill(store: Store, candidates: int = 3) -> None:
    """Something in every list."""
    question = a_question()
    store.add_questions([question], NOW - 5 * DAY)
    store.tagging.add([], [a_candidate(n) for n in range(1, candidates + 1)], [], NOW)
    _fill_alerts(store, question.question_id)
    _fill_service(store)
    first = PriorVersion("strike", 1, NOW - 9 * DAY, "ann", "first", {"base_rate": "10%..30%"})
    second = replace(first, version=2, at=NOW - DAY, reason="the union is stronger than we knew")
    store.add_prior_version(first)
    words = {"base_rate": "30%..60% per quarter, 90% sure", "unit_spread": "1.5x"}
    store.add_prior_version(replace(second, words=words))
    turned = Move(0.24, 0.31, evidence=0.02, prior=0.25)
    made = replace(estimate(0, 0.31), question_id=question.question_id, moved=turned)
    made = replace(made, as_of=second.at + HOUR, prior_version=2)
    store.record(estimates=[made], recorded_at=NOW - DAY)
    _fill_record(store)


def _fill_alerts(store: Store, subject: str) -> None:
    since = NOW - 2 * HOUR
    fired = RuleState("likely", subject, State.FIRING, episode=1, since=since)
    moved = Transition(
        *("likely", subject, since, State.PENDING, State.FIRING),
        *("fired", "57 % is above 50 %", 1, 0.57),
    )
    facts = sample_facts()["firing"]
    dead = [
        Delivery(name, "pager", "alert", NOW - HOUR, NOW - HOUR, facts=facts)
        for name in ("dead", "f00d")
    ]
    store.record(
        states=[(None, fired)], transitions=[moved], deliveries=dead, recorded_at=NOW - HOUR
    )
    for held in store.claim_deliveries(NOW, "test", HOUR, 10):
        store.mark_dead(held, NOW, "the pager said 410 Gone", ChannelHealth.DISABLED)
    quiet = Silence("s1", Which(rules=("other",)), "ann", "maintenance", since, NOW + DAY)
    store.alerts.add_silence(quiet, since)


def _fill_service(store: Store) -> None:
    state = store.sources.claim("gazette", "test", NOW - HOUR, HOUR, DAY)
    assert state is not None
    broken = replace(state, failures=3, failed_at=NOW - HOUR, reason="the feed is no XML")
    store.sources.keep(broken, None)
    told = [Told("daily", "d", {}, NOW + HOUR), Told("weekly", "w", {"every": "7 days"})]
    told.append(Told("digest:monday", "m", {}, NOW + 4 * DAY))
    store.schedules.keep(told, NOW - 8 * HOUR)
    store.schedules.pause("weekly", "ann", "the desk is closed", NOW - 2 * HOUR)
    claim = RunClaim("daily", NOW - 7 * HOUR, "test")
    fence = store.ledger.claim_run(claim.schedule_id, claim.slot, claim.owner, claim.slot, HOUR, 2)
    store.ledger.finish_run(claim._replace(fence=fence), "done", "4 estimates", NOW - 6 * HOUR)


def _fill_record(store: Store) -> None:
    """Thirty-six ended questions, of which as many came true as was said; and a backtest."""
    store.backtests.add(backtest(), b"")
    asked, said, ended, crowd = [], [], [], []
    for n in range(36):
        p, name = (n % 9 + 0.5) / 9, f"past-{n}"
        came = Outcome.YES if (n * 7 % 36 + 0.5) / 36 < p else Outcome.NO
        opens = NOW - timedelta(days=90 - n)
        past = a_question(question_id=name, title=f"Past {n}?")
        asked.append(replace(past, opens_at=opens, deadline=opens + 20 * DAY))
        ended.append(Resolution(name, came, opens + 20 * DAY, "by the port"))
        said += [replace(estimate(0, p), question_id=name, as_of=opens + k * DAY) for k in (1, 9)]
        crowd.append(CrowdForecast(name, opens + 10 * DAY, 0.5, "crowd"))
    store.add_questions(asked, NOW - DAY)
    store.record(estimates=said, recorded_at=NOW - DAY)
    store.add_resolutions(ended, NOW - DAY)
    store.add_crowd(crowd, NOW - DAY)


@contextmanager
def served(store: Store, folder: Path, candidates: int = 3) -> Iterator[tuple[ApiDesk, str]]:
    """The filled desk and its address; what its pages ask for is done as `serve` does it."""
    fill(store, candidates)
    desk = ApiDesk(store, config_of(MORE))
    app, stop = App(Watch(folder, desk.config), store), Signal()
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server = uvicorn.Server(
            uvicorn.Config(desk.app, log_config=None, lifespan="off", ws="none")
        )
        serving = Thread(target=server.run, kwargs={"sockets": [bound]})
        answering = Thread(target=_answer, args=(app, stop))
        serving.start()
        answering.start()
        try:
            yield desk, f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            stop.set()
            server.should_exit = True
            serving.join()
            answering.join()


def _answer(app: App, stop: Signal) -> None:
    while not stop.wait(0.05):
        answer_due(app, lambda: NOW, "test")
