"""First bytes of pages with ten thousand questions in the store, from a server of its own."""

import http.client
import multiprocessing
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from benchmarks.rows import Row
from benchmarks.timing import say
from forecast.access import Scope, Token, digest_of
from forecast.alert import RuleState, State
from forecast.clock import parse_instant
from forecast.estimate import CurvePoint, Estimate, Health, Interval
from forecast.question import Question
from forecast.store import Store, open_store
from forecast.watch import Watch, parse_config
from forecast.web.pages.session import cookie_name

type Ask = Callable[[str], tuple[float, int]]

NOW = parse_instant("2025-11-20T12:00:00Z")
UNITS, EACH, LONG = 1_000, 10, 2_000
DAYS = 24  # estimates of each question, every other day
ASKS, BUDGET = 40, 0.1  # seconds
SECRET = "a session of the benchmark"
WATCH = """
[watch]
title = "Ten thousand questions"

[definitions.strike]
model = "base-rate"
base_rate = "30%..60% per quarter, 90% sure"

[[rules]]
id = "likely"
questions = ["*"]
fire_at = "50%"

[web]
per_minute = 1000000
burst = 1000000
"""


def measure(cache: Path, full: bool) -> Iterator[Row]:
    """Seconds to the first byte: of the overview, of questions, of the lists."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/tocsin.db"
        with open_store(url) as store:
            cookie = f"{cookie_name(store)}={SECRET}"
            _fill(store)
        with _served(url) as port:
            ask = _asker(port, cookie)
            yield Row("first look after a start, 10,000 questions", ask("/")[0], "s")
            for name, path in PATHS.items():
                yield from _rows(name, ask, path)
            with open_store(url) as store:
                store.record(estimates=_estimates(_question(5, 5), 1, NOW), recorded_at=NOW)
            yield Row("overview, after an estimate was added", ask("/")[0], "s", at_most=BUDGET)


PATHS: dict[str, Callable[[int], str]] = {
    "overview": lambda n: "/",
    "overview, page 200": lambda n: f"/?page={200 + n}",
    "overview, words": lambda n: f"/?text=harbour+{n}",
    "a question": lambda n: f"/questions/q-{17 * n}-{n % EACH}",
    f"a question with {LONG:,} estimates": lambda n: "/questions/long",
    "alerts, 1,000 of them": lambda n: "/alerts",
    "inbox": lambda n: "/inbox",
}


def _rows(name: str, ask: Ask, path: Callable[[int], str]) -> Iterator[Row]:
    answers = [ask(path(n)) for n in range(ASKS)]
    if {status for _, status in answers} != {200}:
        say(f"{name}: answered {answers[0][1]}")
        return
    cuts = quantiles([seconds for seconds, _ in answers], n=20)
    yield Row(f"{name}, median", cuts[9], "s", at_most=BUDGET)
    yield Row(f"{name}, 95 of 100", cuts[18], "s")


def _asker(port: int, cookie: str) -> Ask:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(path: str) -> tuple[float, int]:
        """Seconds until the first byte of the body is there, and the status."""
        began = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read(1)
        took = time.perf_counter() - began
        answer.read()
        return took, answer.status

    return ask


@contextmanager
def _served(url: str) -> Iterator[int]:
    """The pages of a store, from a process that does nothing else: the port."""
    bound = socket.create_server(("127.0.0.1", 0))
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_serve, args=(url, bound), daemon=True)
    process.start()
    try:
        yield bound.getsockname()[1]
    finally:
        process.terminate()
        process.join()
        bound.close()


def _serve(url: str, bound: socket.socket) -> None:
    from forecast.web import create_app
    from forecast.web.server import run
    from jobs.app import App
    from jobs.reporting import question_report

    config = parse_config(WATCH)
    with open_store(url) as store:
        app = App(Watch(Path(), config), store)
        made = create_app(store, config, lambda q, now: question_report(app, q, now), clock=_clock)
        run(made, bound)


def _clock() -> datetime:
    return NOW


def _fill(store: Store) -> None:
    say(f"{UNITS * EACH:,} questions with {DAYS} estimates each")
    token = Token("tok", "bench", Scope.READ, digest_of("tocsin_bench"), "bench", NOW)
    store.access.add_token(token)
    over = NOW + timedelta(hours=1)
    store.access.sessions.begin(digest_of(SECRET), token.token_id, NOW, over)
    questions = [_question(unit, n) for unit in range(UNITS) for n in range(EACH)]
    longest = replace(questions[0], question_id="long", title="With a long history")
    store.add_questions([*questions, longest], NOW)
    for unit in range(UNITS):
        mine = [_question(unit, n) for n in range(EACH)]
        found = [one for question in mine for one in _estimates(question, DAYS, NOW)]
        store.record(estimates=found, recorded_at=NOW, states=_states(unit, mine))
    store.record(estimates=_estimates(longest, LONG, NOW), recorded_at=NOW)


def _question(unit: int, n: int) -> Question:
    return Question(
        question_id=f"q-{unit}-{n}",
        title=f"A strike at harbour {unit} before day {n}?",
        unit=f"harbour-{unit}",
        definition="strike",
        opens_at=NOW - timedelta(days=90),
        deadline=NOW + timedelta(days=3 + 11 * n),
        resolution_criteria="Yes if the port says so by then.",
    )


def _states(unit: int, questions: list[Question]) -> list[tuple[None, RuleState]]:
    """One rule on each, of which one in ten fires."""
    return [
        (None, RuleState("likely", q.question_id, State.FIRING if unit % 10 == 0 else State.OK))
        for q in questions
    ]


def _estimates(question: Question, count: int, until: datetime) -> list[Estimate]:
    """A walk that ends at a moment, with a curve and draws' worth of numbers."""
    chance = random.Random(question.question_id)
    p, found = chance.uniform(0.05, 0.6), []
    step = timedelta(days=min(2.0, 180 / count))
    for n in range(count):
        p = min(max(p + chance.gauss(0, 0.01), 0.01), 0.95)
        at = until - (count - n) * step
        found.append(_estimate(question, at, p))
    return found


def _estimate(question: Question, at: datetime, p: float) -> Estimate:
    low, high = 0.6 * p, min(1.4 * p, 0.99)
    curve = tuple(
        CurvePoint(at + timedelta(days=d), p * d / 60, low * d / 60, high * d / 60)
        for d in range(5, 65, 5)
    )
    return Estimate(
        *(question.question_id, at, p, Interval(low, high), 0.001, Health.HEALTHY),
        *("base-rate", "m" * 64, "T1", f"{question.question_id}{at}"),
        diagnostics={"khat": 0.2, "ess": 1400.0, "draws": 2000.0},
        curve=curve,
        quantiles=(),
    )
