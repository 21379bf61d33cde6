"""Outcomes in files: what contradicts nested questions is kept aside, what was said is known."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecast.clock import DAY, parse_instant
from forecast.evidence import Outcome
from forecast.intake.ingest import IngestResult, ingest_file
from forecast.intake.vocabulary import Vocabulary
from forecast.store import Added, Store, open_store
from forecast.watch import load_watch
from jobs.app import App
from jobs.questions import standings, tally
from jobs.resolutions import reopen
from tests.jobs.ending_desk import EARLY, LONG, WIDE, desk, event

FLAGSHIP = Path(__file__).resolve().parents[3] / "examples" / "venezuela-2025"
NOW = parse_instant("2025-07-20")
HEADER = "question_id,outcome,known_at,reason,author\n"


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """That both databases hold what is said here is tested elsewhere."""
    with open_store(sqlite_url) as opened:
        yield opened


@pytest.fixture
def app(store: Store, tmp_path: Path) -> App:
    return desk(store, tmp_path)


def take(app: App, rows: str, file: str = HEADER, at: object = NOW) -> IngestResult:
    return ingest_file(
        app.store,
        "-",
        None,
        at,  # type: ignore[arg-type]
        stdin=io.BytesIO((file + rows).encode()),
        vocabulary=Vocabulary.of(app.config),
    )


def test_a_row_against_one_before_it_in_the_file_is_kept_aside(app: App) -> None:
    result = take(app, "q,no,2025-07-11,,\nearly,no,2025-07-11,,\nlong,yes,2025-07-11,seen,\n")
    assert (result.added, result.bad_count) == (Added(new=2), 1)
    assert (result.bad[0].line, app.store.resolution("long")) == (4, None)
    assert "'q', which lies around 'long', was resolved no" in result.bad[0].reason
    assert app.store.quarantined() == result.bad


def test_a_row_against_an_event_of_a_narrower_kind_is_kept_aside(app: App) -> None:
    app.store.add_events([event("e", "2025-05-10", "2025-05-11", "long-strike")], NOW)
    result = take(app, "early,no,2025-07-11,,\n")
    assert result.bad_count == 1
    assert "(e) is a strike in the window of 'early'" in result.bad[0].reason


def test_an_outcome_beside_its_question_is_held_against_the_others_as_well(app: App) -> None:
    take(app, "q,no,2025-07-11,,\n")
    columns = "question_id,title,unit,definition,opens_at,deadline,resolution,resolved_at\n"
    row = "more,More?,u,long-strike,2025-05-02,2025-06-20,yes,2025-07-01\n"
    result = take(app, row, columns)
    assert (result.added, result.resolutions, result.bad_count) == (Added(new=1), Added(), 1)
    assert app.store.question("more").definition == "long-strike"


def test_the_same_outcome_from_another_file_is_no_correction(app: App) -> None:
    take(app, "early,no,2025-07-11,stated in old.csv,\n")
    assert take(app, "early,no,2025-07-11,stated in new.csv,\n").added == Added(same=1)
    end = app.store.resolution("early")
    assert end is not None
    assert end.known_at < NOW


def test_a_file_that_comes_again_adds_nothing_even_where_it_would_be_refused_now(app: App) -> None:
    rows = "early,no,2025-07-11,,\n"
    take(app, rows)
    app.store.add_events([event("e", "2025-05-10", "2025-07-15", "long-strike")], NOW)
    again = take(app, rows, at=NOW + DAY)
    assert (again.added, again.bad_count) == (Added(same=1), 0)
    reopen(app, "early", reason="there was one", author="ada", now=NOW + 2 * DAY)
    assert take(app, rows, at=NOW + 3 * DAY).added == Added(same=1)
    end = app.store.resolution("early")
    assert end is None or end.outcome is Outcome.YES


def test_an_outcome_has_the_author_that_the_file_names_but_no_rule(app: App) -> None:
    result = take(app, "early,no,2025-07-11,,bob\nlong,no,2025-07-11,,rule\n")
    assert [row.line for row in result.bad] == [3]
    end = app.store.resolution("early")
    assert end is not None
    assert (end.author, end.is_derived) == ("bob", False)


def test_the_outcome_of_a_question_that_is_not_there_yet_is_kept(app: App) -> None:
    assert take(app, "unknown,yes,2025-07-11,,\n").added == Added(new=1)


def test_the_flagships_outcomes_stand_beside_each_other_and_its_events(
    store: Store, tmp_path: Path
) -> None:
    app = App(load_watch(FLAGSHIP), store)
    files = [FLAGSHIP / name for name in ("events.csv", "questions.csv", "events.csv")]
    words = Vocabulary.of(app.config)
    results = [ingest_file(store, file, None, NOW + 300 * DAY, vocabulary=words) for file in files]
    assert [result.bad_count for result in results] == [0, 0, 0]
    assert results[1].resolutions == Added(new=20)
    now = NOW + 301 * DAY
    found = standings(app, store.questions(), now)
    assert [s.question.question_id for s in found if s.contested] == []
    assert (tally(found).yes, tally(found).no, tally(found).void) == (7, 15, 0)


def test_open_questions_that_cannot_be_checked_are_named_and_kept(app: App) -> None:
    columns = "question_id,title,unit,definition,opens_at,deadline,resolution,resolved_at\n"
    rows = (
        "a,A?,u,strike,2025-05-01,2025-09-01,,\nb,B?,u,strike,2025-05-01,2025-06-01,no,2025-06-12\n"
    )
    result = take(app, rows, columns)
    assert result.added == Added(new=2)
    assert result.unclear == [("a", "are empty")]
    assert {q.question_id for q in app.store.questions()} >= {
        WIDE.question_id,
        LONG.question_id,
        EARLY.question_id,
    }
