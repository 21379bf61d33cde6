"""What comes in besides plain rows: levels, spans, retractions, twins, names that nobody knows."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from forecast.errors import InputError, UsageError
from forecast.evidence import Coverage, CoverageState
from forecast.intake.ingest import IngestResult, ingest_file
from forecast.intake.vocabulary import Vocabulary
from forecast.question import Question, Snapshot
from forecast.store import Added, Store, open_store
from forecast.watch import parse_config

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
FAR = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WATCH = """
[watch]
title = "Desk"

[units.harbour]
title = "The harbour"

[indicators.ballot]
effect = "1.5x..4x"
half_life = "30 days"

[indicators.wind]
effect = "1.5x..4x"
half_life = "30 days"
kind = "level"

[indicators.election]
effect = "1.5x..4x"
half_life = "30 days"
kind = "scheduled"

[definitions.strike]
base_rate = "30%..60% per quarter"
"""
WORDS = Vocabulary.of(parse_config(WATCH))


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """What is tested here is what is read; that both databases hold it is tested elsewhere."""
    with open_store(sqlite_url) as opened:
        yield opened


def take(store: Store, data: str, at: datetime = NOW, kind: str | None = None) -> IngestResult:
    stream = io.BytesIO(data.encode())
    return ingest_file(store, "-", kind, at, stdin=stream, vocabulary=WORDS)


def seen(store: Store, as_of: datetime = FAR, unit: str = "harbour") -> Snapshot:
    question = Question("q", "Q?", unit, "strike", NOW, FAR)
    return store.snapshot(question, as_of)


def reasons(result: IngestResult) -> list[str]:
    return [f"{bad.line}: {bad.reason}" for bad in result.bad]


def test_a_level_takes_any_number_and_an_incident_a_strength(store: Store) -> None:
    rows = (
        "unit,tag,occurred_at,value\n"
        "harbour,wind,2025-06-01,130\n"
        "harbour,wind,2025-06-02,-3.5\n"
        "harbour,ballot,2025-06-01,130\n"
        "harbour,ballot,2025-06-02,-0.1\n"
        "harbour,ballot,2025-06-03,1\n"
    )
    result = take(store, rows)
    assert [r.value for r in seen(store).reports] == [130.0, -3.5, 1.0]
    assert [line[:20] for line in reasons(result)] == [
        "4: value 130 is not ",
        "5: value -0.1 is not",
    ]
    assert "the incidents of ballot" in result.bad[0].reason


def test_only_what_is_scheduled_is_known_before_it_happens(store: Store) -> None:
    rows = (
        "unit,tag,occurred_at,known_at\n"
        "harbour,election,2025-06-01,2025-01-01\n"
        "harbour,ballot,2025-06-01,2025-01-01\n"
        "harbour,unheard,2025-06-01,2025-01-01\n"
    )
    result = take(store, rows)
    assert [r.tag for r in seen(store).reports] == ["election"]
    assert [bad.line for bad in result.bad] == [3, 4]
    assert "known before it occurred" in result.bad[0].reason


def test_names_that_the_watch_does_not_know_are_kept_and_counted(store: Store) -> None:
    rows = "harbour,balot,2025-06-01\nharbor,ballot,2025-06-01\n"
    result = take(store, "unit,tag,occurred_at\n" + rows + rows)
    assert result.bad_count == 0
    assert result.strange == {("tag", "balot"): 2, ("unit", "harbor"): 2}
    assert len(seen(store).reports) == len(seen(store, unit="harbor").reports) == 1
    assert WORDS.guess("tag", "balot") == "; did you mean 'ballot'?"
    assert WORDS.guess("unit", "harbor") == "; did you mean 'harbour'?"


def test_two_events_alike_in_one_file_are_two_and_the_file_twice_adds_nothing(
    store: Store,
) -> None:
    rows = "unit,definition,occurred_at\n" + "harbour,strike,2025-06-01\n" * 3
    assert take(store, rows).added == Added(new=3)
    assert take(store, rows, NOW + DAY).added == Added(same=3)
    assert take(store, rows + "harbour,strike,2025-06-01\n").added == Added(new=1, same=3)
    assert len(seen(store).events) == 4


def test_a_row_takes_back_what_was_stated_by_flag_or_by_status(store: Store) -> None:
    head = "report_id,unit,tag,occurred_at,retracted,status\n"
    rows = ["R1,harbour,ballot,2025-06-01,", "R2,harbour,ballot,2025-06-01,"]
    take(store, head + "".join(f"{row},\n" for row in rows))
    assert len(seen(store).reports) == 2
    back = head + f"{rows[0]}yes,\n{rows[1]},Withdrawn\n"
    assert take(store, back, NOW + DAY).added == Added(corrected=2)
    assert seen(store).reports == ()
    assert len(seen(store, NOW + DAY).reports) == 2
    wrong = take(store, head + f"{rows[0]}perhaps,\n")
    assert reasons(wrong) == ["2: retracted 'perhaps' is not true or false"]


def test_a_retracted_event_without_an_id_is_the_one_of_the_same_content(store: Store) -> None:
    rows = "unit,definition,occurred_at,retracted\nharbour,strike,2025-06-01,\n"
    take(store, rows)
    line = '{"unit":"harbour","definition":"strike","occurred_at":"2025-06-01","retracted":true}\n'
    assert take(store, line, NOW + DAY).added == Added(corrected=1)
    assert seen(store).events == ()
    assert len(seen(store).earlier_events) == 1


def test_spans_are_read_with_what_they_speak_of(store: Store) -> None:
    rows = (
        "unit,from,to,at_risk,tag,state,known_at\n"
        "harbour,2025-01-01,,,,,\n"
        "harbour,2025-02-01,2025-02-28,no,,,\n"
        "harbour,2025-03-01T12:00Z,2025-03-02T12:00Z,,union.*,down,2025-02-01\n"
        "harbour,2025-03-01,,,press,,\n"
    )
    result = take(store, rows)
    assert (result.kind, result.added, result.bad) == ("exposure", Added(new=4), [])
    assert take(store, rows).added == Added(same=4)
    at = {c.state: c for c in seen(store).coverage}
    assert at[CoverageState.AT_RISK].until is None
    closed = at[CoverageState.NOT_AT_RISK]
    assert closed.until == datetime(2025, 3, 1, tzinfo=UTC)
    assert (closed.known_at, closed.until_known_at) == (closed.since, closed.until)
    down = at[CoverageState.DOWN]
    assert isinstance(down, Coverage)
    assert (down.tags, down.until_known_at) == ("union.*", None)
    assert down.known_at == datetime(2025, 2, 1, 23, 59, 59, tzinfo=UTC)
    assert at[CoverageState.COVERED].tags == "press"


def test_a_span_that_ends_later_is_a_correction_of_the_open_one(store: Store) -> None:
    take(store, "unit,from,to\nharbour,2025-01-01,\n")
    assert take(store, "unit,from,to\nharbour,2025-01-01,2025-02-01\n").added.corrected == 1
    [span] = seen(store).coverage
    assert span.until == datetime(2025, 2, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("2025-02-01,2025-01-01,,,", "the span ends at"),
        ("2025-01-01,,no,x,", "at_risk goes neither with tag nor with state"),
        ("2025-01-01,,maybe,,", "at_risk 'maybe' is not true or false"),
        ("2025-01-01,,,,asleep", "state 'asleep' is not at-risk, not-at-risk, covered or down"),
        ("2025-01-01,,,x,at-risk", "state at-risk speaks of a unit, and goes with no tag"),
        (",2025-01-01,,,", "from is empty"),
    ],
)
def test_a_span_that_makes_no_sense_is_a_bad_row(store: Store, cells: str, reason: str) -> None:
    result = take(store, f"unit,from,to,at_risk,tag,state\nharbour,{cells}\n")
    assert result.added == Added()
    assert result.bad[0].reason.startswith(reason)


def test_a_question_may_ask_for_several_events(store: Store) -> None:
    head = "question_id,title,unit,definition,opens_at,deadline,at_least\n"
    row = "q{0},Q?,harbour,strike,2025-01-01,2025-02-01,{0}\n"
    result = take(store, head + row.format(3) + row.format("") + row.format(0) + row.format("2.5"))
    assert store.question("q3").at_least == 3
    assert store.question("q").at_least == 1
    assert [bad.line for bad in result.bad] == [4, 5]
    assert result.bad[0].reason == "at_least '0' is not a number of events from 1 to 999,999"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("unit;tag;occurred_at", "is parted by semicolons; save it with commas"),
        ("unit\ttag\toccurred_at", "is parted by tabs; save it with commas"),
        ("unit|tag|occurred_at", "is parted by bars"),
    ],
)
def test_another_delimiter_is_named(store: Store, header: str, words: str) -> None:
    for kind in (None, "reports"):
        with pytest.raises(InputError, match=words.replace("|", ".")):
            take(store, header + "\n", kind=kind)


def test_a_misspelt_column_is_named_with_the_one_that_it_may_be(store: Store) -> None:
    header = "unit,tag,ocurred_at\n"
    guess = r"is 'ocurred_at' meant to be 'occurred_at'\?"
    with pytest.raises(InputError, match=rf"{guess}; it has 'unit', 'tag', 'ocurred_at'"):
        take(store, header, kind="reports")
    with pytest.raises(UsageError, match=rf"has columns of no kind: it has 'unit'.*{guess}"):
        take(store, header)
