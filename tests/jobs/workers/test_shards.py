"""How a run is split into parts."""

from datetime import UTC, datetime, timedelta

import pytest

from forecast.config import Config
from forecast.question import Question
from forecast.store import Share
from forecast.watch import load_watch
from jobs.workers.shards import families, shares_of
from tests.jobs.desk import make_desk

NOW = datetime(2025, 11, 29, tzinfo=UTC)
OTHER = '[definitions.flood]\nmodel = "hazard"\nbase_rate = "30%..60% per quarter, 90% sure"\n'
OTHER += 'ceiling = "one in 2..6 weeks"\n\n[definitions.long-strike]'


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    desk = make_desk(tmp_path_factory.mktemp("desk"))
    desk.rewrite("[definitions.long-strike]", OTHER)
    return load_watch(desk.folder).config


def asked(definition: str, unit: str, name: str) -> Question:
    return Question(name, "Q?", unit, definition, NOW, NOW + timedelta(days=9))


def some(definition: str, count: int, units: int) -> list[Question]:
    return [asked(definition, f"u{n % units}", f"{definition}-{n}") for n in range(count)]


def test_a_small_run_is_one_part_in_the_queue_of_most_of_its_questions(config: Config) -> None:
    questions = [*some("strike", 3, 3), *some("flood", 2, 2)]
    [part] = shares_of(config, questions)
    assert part == Share("base-rate", tuple(q.question_id for q in questions))


def test_a_run_of_no_question_is_one_part_too(config: Config) -> None:
    assert shares_of(config, []) == [Share("unknown", ())]


def test_a_larger_run_is_split_by_family_and_every_question_is_in_one_part(
    config: Config,
) -> None:
    questions = [*some("strike", 30, 30), *some("flood", 25, 25)]
    parts = shares_of(config, questions, most=10)
    assert [(p.queue, len(p.questions)) for p in parts] == [
        ("base-rate", 10),
        ("base-rate", 10),
        ("base-rate", 10),
        ("hazard", 10),
        ("hazard", 10),
        ("hazard", 5),
    ]
    named = [name for part in parts for name in part.questions]
    assert sorted(named) == sorted(q.question_id for q in questions)


def test_what_one_posterior_answers_stays_together(config: Config) -> None:
    # long-strike lies within strike: of one unit they are one track, however large
    questions = [*some("strike", 24, 2), *some("long-strike", 4, 2)]
    parts = shares_of(config, questions, most=5)
    units = [{q.unit for q in questions if q.question_id in part.questions} for part in parts]
    assert sorted(map(sorted, units)) == [["u0"], ["u1"]]


def test_a_question_whose_definition_is_gone_is_in_a_part_all_the_same(config: Config) -> None:
    parts = shares_of(config, [*some("strike", 4, 4), asked("gone", "u", "lost")], most=3)
    assert [p.queue for p in parts if "lost" in p.questions] == ["unknown"]
    assert families(config) == ["base-rate", "hazard", "unknown"]
