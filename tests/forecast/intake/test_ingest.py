"""Files that come in: what is read, what is refused in a line, and what is kept regardless."""

import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forecast.errors import InputError, UsageError
from forecast.evidence import CrowdForecast, Event, Outcome, Report, Resolution
from forecast.intake import ingest
from forecast.intake.ingest import IngestResult, ingest_file
from forecast.question import Question
from forecast.store import Added, Store, open_store

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
FAR = datetime(2030, 1, 1, tzinfo=UTC)
SHARED = Path(__file__).parents[4] / "shared"
EXAMPLE = SHARED / "examples" / "venezuela-2025"
HEADER = "report_id,unit,tag,occurred_at,known_at,value\n"
GOOD = "R1,usa-ven,a.tag,2025-01-01,2025-01-02,0.5\n"


def _day(text: str, time: str = "00:00:00") -> datetime:
    return datetime.fromisoformat(f"{text}T{time}+00:00")


def _take(store: Store, data: str | bytes, kind: str | None = None) -> IngestResult:
    """What becomes of these bytes on stdin."""
    stream = io.BytesIO(data.encode() if isinstance(data, str) else data)
    return ingest_file(store, "-", kind, NOW, stdin=stream)


def _complaints(result: IngestResult) -> list[tuple[int, str]]:
    return [(bad.line, bad.reason) for bad in result.bad]


def test_a_report_with_every_column_is_read_whole(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    path.write_text(
        "report_id,incident_id,unit,tag,occurred_at,known_at,value,source,origin,reliability,"
        "credibility,url,summary,mood\r\n"
        "R1,i1,usa-ven,a.tag,2025-01-01,2025-01-02T03:04:05+02:00,0.5,A wire,An agency,b,2,"
        'https://x.org,"One, ""two"",\r\nthree — «так»",calm\r\n',
        encoding="utf-8-sig",
        newline="",
    )
    result = ingest_file(store, path, None, NOW)
    assert result == IngestResult("reports", Added(new=1), ignored_columns=("mood",))
    assert store.reports("usa-ven", FAR) == [
        Report(
            "R1",
            "usa-ven",
            "a.tag",
            _day("2025-01-01"),
            _day("2025-01-02", "01:04:05"),
            "i1",
            0.5,
            "A wire",
            "An agency",
            "B",
            2,
            "https://x.org",
            'One, "two",\r\nthree — «так»',
        )
    ]


def test_unit_tag_and_one_time_are_enough(store: Store) -> None:
    _take(store, "unit,tag,observed_at\nu,t,2025-01-01\n")
    _take(store, "unit,tag,published_at\nu,t,2025-01-01T12:00:00Z\n")
    day, noon = sorted(store.reports("u", FAR), key=lambda report: report.occurred_at)
    assert (day.occurred_at, day.known_at) == (
        _day("2025-01-01"),
        _day("2025-01-01", "23:59:59"),
    )
    assert noon.occurred_at == noon.known_at == _day("2025-01-01", "12:00:00")
    assert (day.value, f"{day.reliability}{day.credibility}") == (1.0, "F6")


def test_a_row_without_an_id_gets_one_from_its_content(store: Store) -> None:
    rows = "unit,tag,occurred_at,value\nu,t,2025-01-01,0.5\nu,t,2025-01-01,0.50\nu,t,2025-01-01,1\n"
    assert _take(store, rows).added == Added(new=2, same=1)
    assert _take(store, rows).added == Added(same=3)
    reordered = "value,tag,unit,occurred_at\n0.5,t,u,2025-01-01T00:00:00Z\n"
    assert _take(store, reordered).added == Added(new=1)  # an instant is not a whole day


def test_both_names_of_a_column_are_known(store: Store) -> None:
    _take(store, "unit,kind,occurred_at,known_at\nu,strike,2025-01-01,2025-01-02\n")
    _take(store, "event_id,unit,definition,observed_at\nE1,u,strike,2025-01-03\n")
    question = Question("q", "t", "u", "strike", _day("2025-01-01"), _day("2025-02-01"))
    events = store.snapshot(question, FAR).events
    assert [(event.definition, event.occurred_at) for event in events] == [
        ("strike", _day("2025-01-01")),
        ("strike", _day("2025-01-03")),
    ]
    assert events[1] == Event(
        "E1", "u", "strike", _day("2025-01-03"), _day("2025-01-03", "23:59:59")
    )


def test_questions_bring_their_outcomes(store: Store) -> None:
    rows = (
        "question_id,title,unit,definition,opens_at,deadline,resolution,resolved_at,notes\n"
        "q1,One?,u,strike,2025-01-01,2025-02-01,Yes,2025-01-09,\n"
        "q2,Two?,u,strike,2025-01-01,2025-02-01,open,,\n"
        "q3,Three?,u,strike,2025-01-01,2025-02-01,,,soon\n"
        "q4,Four?,u,strike,2025-01-01,2025-02-01,no,,\n"
        "q5,Five?,u,strike,2025-02-01,2025-01-01,,,\n"
        "q6,Six?,u,strike,2025-01-01,2025-02-01,maybe,2025-01-09,\n"
    )
    result = _take(store, rows)
    assert (result.kind, result.added) == ("questions", Added(new=3))
    assert result.resolutions == Added(new=1)
    assert [line for line, _ in _complaints(result)] == [5, 6, 7]
    assert "resolved_at is empty" in result.bad[0].reason
    assert "is not after opens_at" in result.bad[1].reason
    assert "'maybe' is not yes, no, void or open" in result.bad[2].reason
    assert store.question("q3") == Question(
        "q3",
        "Three?",
        "u",
        "strike",
        _day("2025-01-01"),
        _day("2025-02-01", "23:59:59"),
        notes="soon",
    )
    known_at = _day("2025-01-09", "23:59:59")
    assert store.resolution("q1") == Resolution("q1", Outcome.YES, known_at, "stated in stdin")
    assert store.resolution("q2") is None


def test_outcomes_and_crowd_forecasts_can_stand_by_themselves(store: Store) -> None:
    resolutions = "question_id,outcome,known_at,reason\nq1,void,2025-01-09,withdrawn\n"
    crowd = "question_id,at,probability,source,note\nq1,2025-01-09,24%,A market,thin\n"
    assert (_take(store, resolutions).kind, _take(store, crowd).kind) == ("resolutions", "crowd")
    end = _day("2025-01-09", "23:59:59")
    assert store.resolution("q1") == Resolution("q1", Outcome.VOID, end, "withdrawn")
    assert store.crowd("q1") == [CrowdForecast("q1", end, 0.24, "A market", "", "thin")]


def test_json_lines_are_read_as_csv_is(store: Store) -> None:
    rows = [
        {"report_id": "R1", "unit": "u", "tag": "t", "occurred_at": "2025-01-01", "value": 0.5},
        {
            "report_id": 7,
            "unit": "u",
            "tag": "t",
            "published_at": "2025-01-01",
            "x": 1,
            "url": None,
        },
    ]
    lines = "\n".join(json.dumps(row) for row in rows) + "\n\n"
    result = _take(store, lines)
    assert (result.kind, result.added) == ("reports", Added(new=2))
    assert result.ignored_columns == ("x",)
    assert sorted(report.report_id for report in store.reports("u", FAR)) == ["7", "R1"]


def test_a_line_of_json_that_is_no_row_is_bad_and_the_rest_goes_on(store: Store) -> None:
    good = '{"report_id":"R%d","unit":"u","tag":"t","occurred_at":"2025-01-01"}\n'
    lines = (
        good % 1
        + "[1]\n"
        + '{"unit":\n'
        + '{"unit":"u","tag":["t"],"occurred_at":"2025-01-01"}\n'
        + '{"unit":"u","tag":"t","occurred_at":"2025-01-01","value":NaN}\n'
        + '{"unit":"u","tag":"t","occurred_at":"2025-01-01","value":1e999}\n'
        + '{"unit":"u","tag":"\\u0000","occurred_at":"2025-01-01"}\n'
        + '{"unit":"u","tag":"\\ud800","occurred_at":"2025-01-01"}\n'
        + "[" * 100_000
        + "\n"
        + '{"tag":"t"}\n'
        + good % 2
    )
    result = _take(store, lines)
    assert (result.added, result.bad_count) == (Added(new=2), 9)
    assert [line for line, _ in _complaints(result)] == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    reasons = [reason for _, reason in _complaints(result)]
    assert reasons[0] == "is not a JSON object"
    assert reasons[2] == "tag is neither text nor a number"
    assert reasons[3] == "value nan is not a finite number"
    assert reasons[5] == "holds a NUL byte"
    assert reasons[6] == "is not UTF-8"
    assert store.quarantined() == result.bad


def test_the_kind_is_known_by_the_columns_and_asked_for_where_it_is_not(store: Store) -> None:
    with pytest.raises(UsageError, match="stdin: may hold reports or events; say which it is"):
        _take(store, "unit,tag,definition,occurred_at\n")
    with pytest.raises(UsageError, match="stdin: has columns of no kind"):
        _take(store, "tag,meaning\n")
    with pytest.raises(UsageError, match="no kind of row 'report': it is reports, events"):
        _take(store, HEADER, "report")
    assert _take(store, "unit,tag,definition,occurred_at\n", "events").kind == "events"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "stdin: is empty"),
        (b"\n \n", "stdin: is empty"),
        (gzip.compress(b"", mtime=0), "stdin: is empty"),
        (b"[{}]", "stdin: is one JSON array; write one object on each line"),
        (b"unit,tag\n", "stdin:1: lacks the column occurred_at or known_at (reports)"),
        (b"tag,value\n", "stdin:1: lacks the column unit, occurred_at or known_at (reports)"),
        (b"unit,tag,occurred_at,observed_at\n", "stdin:1: has the column occurred_at twice"),
        (b"unit,tag,unit,known_at\n", "stdin:1: has the column unit twice"),
        (HEADER.encode("utf-16"), "stdin: line 1: the header holds a NUL byte"),
        (b"unit,tag,g\xfcltig\n", "stdin: line 1: the header is not UTF-8"),
        (b'unit,"tag\n', "stdin: line 1: the header is not CSV: unexpected end of data"),
        (b"x" * 2_000_000, "stdin: line 1 is longer than 1048576 bytes"),
        (b"\x1f\x8bnonsense, really", "stdin: line 1: the gzip data is damaged"),
        (gzip.compress(HEADER.encode(), mtime=0)[:15], "stdin: line 1: the gzip data ends"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_one_line(
    store: Store, data: bytes, line: str
) -> None:
    with pytest.raises(InputError) as caught:
        _take(store, data, "reports")
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_line(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file or directory"):
        ingest_file(store, tmp_path / "none.csv", None, NOW)
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        ingest_file(store, tmp_path, None, NOW)


def test_bad_rows_are_named_by_the_line_on_which_they_start(store: Store) -> None:
    rows = (
        HEADER
        + GOOD  # line 2
        + '"R2\nstill R2",u,,2025-01-01,,\n'  # lines 3 and 4
        + "R3,u,t,2025-01-01,2024-12-31,\n"
        + "R4,u,t,2025-01-01T10,,\n"
        + "R5,u,t,,,\n"
        + "R6,u,t,2025-01-01,,inf\n"
        + "R7,u,t,2025-01-01,,nan\n"
        + "R8,u,t,2025-01-01,,0_5\n"
        + "R9,u,t,2025-01-01\n"
        + "\n"
        + "R0,u,t,2025-02-30,,\n"
    )
    result = _take(store, rows)
    assert (result.added, result.bad_count, result.broken) == (Added(new=1), 9, None)
    assert _complaints(result) == [
        (3, "tag is empty"),
        (
            5,
            "known before it occurred: known_at 2024-12-31T23:59:59Z, "
            "occurred_at 2025-01-01T00:00:00Z",
        ),
        (6, "occurred_at: '2025-01-01T10' has no time zone; write 2025-01-01T10Z for UTC"),
        (7, "occurred_at is empty"),
        (8, "value inf is not a finite number"),
        (9, "value nan is not a finite number"),
        (10, "value '0_5' is not a number"),
        (11, "has 4 cells, the header has 6"),
        (13, "occurred_at: '2025-02-30' is not a date or time in ISO 8601"),
    ]
    assert result.bad[0].text == '"R2\nstill R2",u,,2025-01-01,,'
    assert result.bad[0].file == "stdin"
    assert store.quarantined() == result.bad
    _take(store, rows)
    assert store.quarantined() == result.bad


def test_a_date_of_publication_covers_its_whole_day(store: Store) -> None:
    row = "R1,u,t,2025-01-01T23:59:59.500Z,2025-01-01,\n"
    assert _take(store, HEADER + row).added == Added(new=1)
    (report,) = store.reports("u", FAR)
    assert report.known_at >= report.occurred_at


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"R2,u,t\xfc,2025-01-01,,\n", "is not UTF-8"),
        (b"R2,u,t\x00,2025-01-01,,\n", "holds a NUL byte"),
        (b'R2,"u,t,2025-01-01,,\n', "is not CSV: unexpected end of data"),
        (b'R2,"u"x,t,2025-01-01,,\n', "is not CSV: ',' expected after '\"'"),
    ],
)
def test_one_unreadable_row_costs_no_other(store: Store, line: bytes, reason: str) -> None:
    after = "".join(f"A{n},usa-ven,t,2025-01-01,,\n" for n in range(40)).encode()
    result = _take(store, HEADER.encode() + GOOD.encode() + line + after)
    assert result.added == Added(new=41)
    assert [(n, r[: len(reason)]) for n, r in _complaints(result)] == [(3, reason)]
    (kept,) = store.quarantined()
    assert kept.text.startswith("R2,")


def test_an_open_quote_is_found_where_it_is_among_thousands_of_rows(store: Store) -> None:
    rows = [f"A{n},u,t,2025-01-01,,\n" for n in range(9000)]
    rows[4000] = '"A4000,u,t,2025-01-01,,\n'
    rows[4001] = 'A4001,u,t,2025-01-01,"",\n'
    result = _take(store, HEADER + "".join(rows))
    assert result.added == Added(new=8999)
    assert [line for line, _ in _complaints(result)] == [4002]


def test_what_came_before_the_damage_is_kept(store: Store) -> None:
    rows = "".join(f"A{n},u,t,2025-01-01,,\n" for n in range(20_000)).encode()
    whole = gzip.compress(HEADER.encode() + rows)
    result = _take(store, whole[:-5_000])
    assert result.broken is not None
    assert result.broken.endswith("the gzip data ends too early")
    assert 1 < result.added.new < 20_000
    assert len(store.reports("u", FAR)) == result.added.new
    assert f"line {result.added.new + 2}:" in result.broken


def test_a_gzip_whose_checksum_is_wrong_says_so_and_keeps_what_it_held(store: Store) -> None:
    data = bytearray(gzip.compress((HEADER + GOOD).encode()))
    data[-8] ^= 1
    result = _take(store, bytes(data))
    assert result.added == Added(new=1)
    assert result.broken is not None
    assert result.broken.startswith("line 3: the gzip data is damaged: CRC check failed")


def test_an_endless_line_stops_the_file_and_not_the_machine(store: Store) -> None:
    bomb = gzip.compress(HEADER.encode() + GOOD.encode() + b"x" * 50_000_000)
    assert len(bomb) < 100_000
    result = _take(store, bomb)
    assert result.added == Added(new=1)
    assert result.broken == "line 3 is longer than 1048576 bytes"


def test_gzip_is_known_by_its_bytes_and_not_by_its_name(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    path.write_bytes(gzip.compress((HEADER + GOOD).encode()))
    assert ingest_file(store, str(path), None, NOW).added == Added(new=1)
    plain = tmp_path / "reports.csv.gz"
    plain.write_text(HEADER + GOOD)
    assert ingest_file(store, plain, None, NOW).added == Added(same=1)


def test_a_large_file_goes_in_by_chunks_and_tells_how_far_it_is(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "reports.csv"
    rows = 2 * ingest.CHUNK_ROWS + 1
    path.write_text(HEADER + "".join(f"A{n},u,t,2025-01-01,,\n" for n in range(rows)))
    told: list[tuple[int, int | None]] = []
    result = ingest_file(store, path, None, NOW, progress=lambda *place: told.append(place))
    assert result.added == Added(new=rows)
    size = path.stat().st_size
    assert len(told) == 3
    assert told == sorted(told)
    assert told[0][0] < told[-1][0] == size
    assert {total for _, total in told} == {size}
    stream = io.BytesIO(path.read_bytes())
    ingest_file(store, "-", None, NOW, stdin=stream, progress=lambda *place: told.append(place))
    assert told[-1] == (size, None)
    assert not stream.closed


def test_of_many_bad_rows_the_first_are_listed_and_all_are_counted(store: Store) -> None:
    rows = "".join(f"A{n},u,,2025-01-01,,\n" for n in range(ingest.MOST_BAD_ROWS + 5))
    result = _take(store, HEADER + rows)
    assert (len(result.bad), result.bad_count) == (
        ingest.MOST_BAD_ROWS,
        ingest.MOST_BAD_ROWS + 5,
    )
    assert len(store.quarantined()) == ingest.MOST_BAD_ROWS + 5


def test_a_long_field_is_still_read(store: Store) -> None:
    field = "x" * 100_000
    header = HEADER.replace("value", "value,summary")
    assert _take(store, header + GOOD.replace("0.5", f"0.5,{field}")).added == Added(new=1)


@pytest.mark.skipif(not EXAMPLE.is_dir(), reason="the shared example is not beside the project")
def test_the_example_goes_in_whole_and_twice_adds_nothing(store: Store) -> None:
    counts = {"reports": 480, "events": 50, "questions": 22, "crowd": 26}
    for kind, count in counts.items():
        first = ingest_file(store, EXAMPLE / f"{kind}.csv", None, NOW)
        again = ingest_file(store, EXAMPLE / f"{kind}.csv", None, FAR)
        assert (first.kind, first.added, first.bad) == (kind, Added(new=count), [])
        assert (again.added, again.resolutions.new) == (Added(same=count), 0)
    assert len(store.questions()) == 22


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not beside the project")
@pytest.mark.parametrize("name", ["fmcs_strikes", "noaa_storms", "usgs_quakes", "who_don"])
def test_the_shared_data_is_read_to_its_end(sqlite_url: str, name: str) -> None:
    with open_store(sqlite_url) as store:
        result = ingest_file(store, SHARED / "data" / name / "events.csv.gz", None, NOW)
    assert (result.kind, result.bad_count, result.broken) == ("events", 0, None)
    assert result.added.new > 500
