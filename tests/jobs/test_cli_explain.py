"""`tocsin explain` as typed: what it shows, in which words, and how it refuses."""

import io
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from forecast.alert import Rule
from forecast.clock import parse_instant, utc_now
from forecast.errors import ConfigError, HeldError, UsageError
from forecast.explanation import Explanation
from forecast.question import Question
from forecast.store import open_store
from forecast.watch import load_watch
from jobs.app import App, open_app
from jobs.cli.explain import print_explained
from jobs.decisions import Occasion
from jobs.demo import fresh_folder, ingest
from jobs.examples import example_folder
from jobs.explain import Explained, RuleReading, explain_question, explained_json
from jobs.update import update_questions
from models.api import Answer, Task
from models.base_rate import BaseRate
from models.base_rate_explained import explain as explain_rate
from models.priors.beliefs import Beliefs
from tests.jobs.desk import Desk, make_desk

QUESTION = "uv-any-strike-1231"
DAYS = ("2025-11-28", "2025-11-30")
CAUSAL = r"\b(because|caus\w*|due to|leads? to|led to|makes? it|driv\w+|explains? why)\b"


@pytest.fixture(scope="module")
def flagship(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Explained]:
    """The flagship's question on a quiet day and on the day after the airspace was closed."""
    folder = tmp_path_factory.mktemp("explain") / "watch"
    fresh_folder(example_folder("venezuela-2025"), folder)
    ingest(folder)
    watch = load_watch(folder)
    found = {}
    with App(watch, open_store(watch.store_url)) as app:
        questions = app.store.questions(["uv-any-strike-*"])
        for day in DAYS:
            moment = parse_instant(day)
            update_questions(app, questions, moment, Occasion(moment, rings=False))
        for day in DAYS:
            found[day] = explain_question(app, QUESTION, parse_instant(day))
    return found


def printed(found: Explained) -> str:
    console = Console(file=io.StringIO(), width=100)
    print_explained(found, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_it_explains_the_number_that_was_stored(flagship: dict[str, Explained]) -> None:
    for found in flagship.values():
        assert found.remarks == ()
        assert found.explanation.probability == pytest.approx(found.estimate.probability, abs=1e-9)
        assert found.explanation.as_of == found.estimate.as_of


def test_the_closed_airspace_is_an_incident_with_its_sources(
    flagship: dict[str, Explained],
) -> None:
    tags = {tag.tag: tag for tag in flagship["2025-11-30"].explanation.tags}
    assert "airspace.closure" not in {t.tag for t in flagship["2025-11-28"].explanation.tags}
    [closed] = tags["airspace.closure"].incidents
    assert closed.part.mean == pytest.approx(tags["airspace.closure"].part.mean)
    assert len(closed.newsrooms) > 1
    assert closed.urls[0].startswith("https://")
    assert closed.age_days < 2
    assert closed.faded_to > 0.9
    without = flagship["2025-11-30"].explanation.of_kind("without")
    assert closed.incident_id in {s.subject for s in without}
    assert all(s.change < 0 for s in without if s.subject == closed.incident_id)


def test_what_would_change_our_mind_points_the_way_an_expert_expects(
    flagship: dict[str, Explained],
) -> None:
    found = flagship["2025-11-30"].explanation
    [quiet] = found.of_kind("silence")
    assert quiet.subject == "30 days"
    assert quiet.change < -0.05
    change = {s.subject: s.change for s in found.of_kind("report")}
    assert change["military.strike-on-land"] > 0.01 > change["diplomacy.talks"]
    assert all(s.mcse < 0.01 for s in found.scenarios)
    assert all(s.value is None or s.value <= abs(s.change) for s in found.scenarios)
    arrival = {s.subject: s.arrival for s in found.of_kind("report")}
    assert arrival["military.strike-at-sea"] is not None
    assert arrival["legal.bounty"] is not None
    assert arrival["military.strike-at-sea"] > arrival["legal.bounty"]  # of one, many; of one, few


def test_an_incident_is_as_old_as_in_a_report_in_whole_days_that_are_over(
    flagship: dict[str, Explained],
) -> None:
    found = flagship["2025-11-30"]
    tag = found.explanation.tags[0]
    aged = replace(tag, incidents=(replace(tag.incidents[0], age_days=777.9),))
    text = printed(replace(found, explanation=replace(found.explanation, tags=(aged,))))
    assert "777 d" in text
    assert "778 d" not in text


def test_the_words_are_never_causal_and_fit_a_terminal(flagship: dict[str, Explained]) -> None:
    for found in flagship.values():
        text = printed(found)
        assert re.search(CAUSAL, text, re.IGNORECASE) is None
        assert "the model assumes" in " ".join(text.split())
        assert max(len(line) for line in text.splitlines()) <= 100
        assert len(text.splitlines()) < 80


def test_it_reads_from_the_number_down_to_what_it_rests_on(
    flagship: dict[str, Explained],
) -> None:
    text = printed(flagship["2025-11-30"])
    sections = (
        "What the model assumes of the signs",
        "Last move",
        "Without it, would we still alert?",
        "What would change our mind",
        "If a belief were weaker or stronger",
        "If a belief lay at either end of its range",
    )
    places = [text.index(section) for section in sections]
    assert places == sorted(places)
    assert "30 days pass in silence" in text
    assert "strike-likely" in text
    strength = r"It is \d+\.\d–\d+\.\d % if all beliefs are half or twice as strong\."
    assert re.search(strength, " ".join(text.split()))


def test_every_number_of_the_json_is_finite_or_null_and_the_parts_add_up(
    flagship: dict[str, Explained],
) -> None:
    body = json.loads(json.dumps(explained_json(flagship["2025-11-30"]), allow_nan=False))
    whole = body["whole"]["log_hazard"]["mean"]
    by_tag = [tag["log_hazard"]["mean"] for tag in body["tags"]]
    assert sum(by_tag) == pytest.approx(whole, abs=1e-9)
    by_incident = [i["log_hazard"]["mean"] for tag in body["tags"] for i in tag["incidents"]]
    assert sum(by_incident) == pytest.approx(whole, abs=1e-9)
    causes = {"time", "evidence", "credibility", "learning", "prior", "model", "montecarlo"}
    assert causes < set(body["moved"])
    assert body["moved"]["montecarlo_error"] >= 0
    assert {s["kind"] for s in body["scenarios"]} == {"without", "silence", "report", "retracted"}
    assert {s["alpha"] for s in body["scalings"]} == {0.5, 0.8, 1.25, 2.0}
    assert all(s["khat"] is None or s["khat"] < 1 for s in body["scalings"])
    assert body["conflict"]["verdict"] in {"none", "strong prior", "possible", "conflict"}
    assert body["rules"][0]["rule_id"] == "strike-likely"
    assert all("strike-likely" in s["rules"] for s in body["scenarios"])


def test_a_rule_is_read_at_its_two_lines() -> None:
    reading = RuleReading(Rule("r", fire_at=0.2, clear_at=0.1), rings=True)
    assert [reading.verdict(p) for p in (0.2, 0.15, 0.1)] == ["fires", "holds", "clears"]


# As typed


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


def refusal(desk: Desk, *arguments: str, code: int) -> str:
    done = desk.run("explain", *arguments)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr


def rows(desk: Desk) -> dict[str, int]:
    with closing(sqlite3.connect(desk.folder / "tocsin.db")) as database:
        names = [
            n for (n,) in database.execute("select name from sqlite_master where type='table'")
        ]
        return {n: database.execute(f"select count(*) from {n}").fetchone()[0] for n in names}


def update(desk: Desk) -> None:
    with open_app(desk.folder) as app:
        now = utc_now()
        assert update_questions(app, app.store.questions(), now, Occasion(now)).estimates


def test_a_hazard_explains_itself_and_writes_nothing(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, model="hazard")
    update(desk)
    before = rows(desk)
    done = desk.run("explain", "q-strike", "--json")
    assert done.returncode == 0, done.stderr
    body: Any = json.loads(done.stdout)
    assert body["tags"][0]["tag"] == "union.ballot"
    assert len(body["tags"][0]["incidents"]) == 3
    assert rows(desk) == before
    desk.rewrite('base_rate = "30%..60% per quarter', 'base_rate = "20%..60% per quarter')
    with open_app(desk.folder) as app, pytest.raises(HeldError, match="update it first"):
        explain_question(app, "q-strike")


class ExplainedRate(BaseRate):
    """The family `base-rate`, with its explanation."""

    def explain(self, task: Task, question: Question, state: bytes | None) -> Explanation:
        return explain_rate(task, question)


class Silent:
    """A family that only estimates."""

    name = "silent"

    def model_hash(self, beliefs: Beliefs) -> str:
        return BaseRate().model_hash(beliefs)

    def update(self, task: Task, state: bytes | None) -> Answer:
        return BaseRate().update(task, state)


def test_a_base_rate_explains_itself_without_signs(desk: Desk) -> None:
    update(desk)
    with open_app(desk.folder) as app:
        found = explain_question(app, "q-long", find=lambda _: ExplainedRate())
    assert found.explanation.probability == pytest.approx(found.estimate.probability, abs=1e-12)
    text = printed(found)
    assert "It rests on the base rate" in " ".join(text.split())
    assert "long-strike.share" in text
    json.dumps(explained_json(found), allow_nan=False)
    with open_app(desk.folder) as app, pytest.raises(UsageError, match="'silent' cannot explain"):
        explain_question(app, "q-long", find=lambda _: Silent())


def test_what_cannot_be_explained_is_one_clear_line(desk: Desk) -> None:
    assert "did you mean 'q-strike'" in refusal(desk, "q-strik", code=2)
    error = json.loads(refusal(desk, "q-strike", "--json", code=2))["error"]
    assert (error["code"], error["at"]) == ("usage", "q-strike")
    assert "has no estimate yet" in error["message"]
    assert "not a date" in refusal(desk, "q-strike", "--as-of", "soon", code=2)


def test_before_the_first_estimate_there_is_none_to_explain(desk: Desk) -> None:
    update(desk)
    long_ago = parse_instant("2020-01-01")
    with open_app(desk.folder) as app, pytest.raises(UsageError, match="at or before 2020-01-01"):
        explain_question(app, "q-strike", long_ago)


def test_a_question_whose_definition_went_away_is_named(desk: Desk) -> None:
    update(desk)
    desk.rewrite("definitions.long-strike", "definitions.longer-strike")
    with open_app(desk.folder) as app, pytest.raises(ConfigError, match="is not defined"):
        explain_question(app, "q-long")
