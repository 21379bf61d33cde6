"""What is asked: tasks from files and flags, their origins and refits, and who is at risk."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast.backtest import BacktestTask
from forecast.clock import parse_instant
from forecast.errors import ConfigError, InputError, UsageError
from jobs.backtest.files import read_panel
from jobs.backtest.origins import from_days, origins, refits, step_of, to_days, training_origins
from jobs.backtest.packing import unpack_facts
from jobs.backtest.risk import marks_at, watched, with_spans, without_quiet
from jobs.backtest.source import Files, from_files
from jobs.backtest.tasks import chosen, read_tasks, task_of
from models.panel.facts import Facts
from tests.jobs.backtest.synthetic import TASK, panel, write


def task(**more: Any) -> BacktestTask:
    return task_of("hits", TASK | more, {}, "tasks.json")


def moment(text: str) -> datetime:
    return parse_instant(text)


# Tasks


def test_a_task_of_the_data_is_read_as_it_is_written() -> None:
    storms = {
        "kind": "hurricane",
        "horizon_hours": 48,
        "freq": "6h",
        "units": "seen",
        "at_risk": "from a storm's first row until it first reaches 64 kt or its rows end",
        "level_tags": ["wind_kt", "lat"],
        "train_start": "1975-06-27",
        "score_start": "1990-01-01",
        "score_end": "2007-12-31",
        "data_end": "2007-12-31",
        "refit": "yearly, on earlier years",
        "unknown": "is ignored",
    }
    assert task_of("hurricane_48h", storms, {}, "tasks.json") == BacktestTask(
        name="hurricane_48h",
        definition="hurricane",
        horizon_days=2.0,
        every="6h",
        score_start=moment("1990-01-01"),
        score_end=moment("2007-12-31T23:59:59Z"),
        data_end=moment("2007-12-31T23:59:59Z"),
        train_start=moment("1975-06-27"),
        at_risk="until-event",
        level_tags=("wind_kt", "lat"),
    )


def test_what_flags_say_goes_before_the_file() -> None:
    said = {"horizon": "2 weeks", "every": None, "quiet_days": 3.0, "data_end": ""}
    found = task_of("hits", TASK, said, "tasks.json")
    assert (found.horizon_days, found.every, found.quiet_days) == (14.0, "MS", 3.0)
    assert found.data_end == moment("2007-12-31T23:59:59Z")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kind": ""}, "tasks.json: hits: definition is missing"),
        ({"score_start": "soon"}, r"hits\.score_start: 'soon' is not a date"),
        ({"horizon_days": 0}, r"hits\.horizon: 0 is not a length of time"),
        ({"horizon_days": "long"}, r"hits\.horizon: 'long'"),
        ({"freq": "often"}, r"hits\.every: 'often' is neither MS"),
        ({"units": "some"}, r"hits\.units: 'some' is not seen or all"),
        ({"refit": "daily"}, r"hits\.refit: 'daily' is not yearly, quarterly, monthly, never"),
        ({"level_tags": "wind"}, r"hits\.level_tags: is not a list of names"),
        ({"quiet_days": -1}, r"hits\.quiet_days: -1 is not a length of time"),
        ({"quiet_days": True}, r"hits\.quiet_days: 'True' is not a duration"),
        ({"horizon_days": 1e-9}, r"hits\.horizon: 1e-09 is not a length of time"),
        ({"horizon_days": 10**400}, r"hits\.horizon: is not a length of time"),
        ({"horizon_hours": 10**400}, r"hits\.horizon_hours: is not a number of hours"),
        ({"freq": "99999999999D"}, r"hits\.every: '99999999999D' is .* more than a century"),
        ({"score_start": "0001-01-01"}, r"score_start: 0001-01-01 is not of the years 1000 to"),
        ({"score_end": "9999-12-31"}, r"score_end: 9999-12-31 is not of the years 1000 to"),
        ({"train_start": "2004-01-01"}, r"hits\.train_start: is not before score_start"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        task(**wrong)


@pytest.mark.parametrize("name", ["", "\n", "a\x1b[31mb", "a" * 201])
def test_a_name_that_cannot_be_printed_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="1 to 200 characters"):
        task_of(name, TASK, {}, "tasks.json")


def test_toml_says_the_same_as_json(tmp_path: Path) -> None:
    path = tmp_path / "backtest.toml"
    path.write_text(
        '[tasks.hits]\ndefinition = "hit"\nhorizon = "30 days"\nevery = "MS"\n'
        "train_start = 2001-06-01\nscore_start = 2004-01-01\nscore_end = 2007-11-01\n"
        'data_end = 2007-12-31\nunits = "seen"\nquiet_days = 0\n'
    )
    [(name, told)] = read_tasks(path).items()
    assert task_of(name, told, {}, path.name) == task()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "holds no tables"),
        ("{}", "names no task"),
        ('{"a": 1}', "hold"),
    ],
)
def test_a_file_that_says_nothing_of_tasks_is_refused(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "tasks.json").write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_tasks(tmp_path / "tasks.json")


def test_a_task_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no task 'hit'; did you mean 'hits'"):
        chosen({"hits": {}, "others": {}}, ("hit",))
    assert list(chosen({"hits": {}, "others": {}}, ())) == ["hits", "others"]


def test_keys_and_level_tags_that_say_nothing_are_findings(tmp_path: Path) -> None:
    told = TASK | {"quiet_day": 30, "level_tags": ["sing", "sign"]}
    folder = panel(tmp_path, {"hits": told})
    assert from_files(folder, (), Files(), {}).findings == (
        "tasks.json: hits: 'quiet_day' is not a key, and was not read; did you mean 'quiet_days'?",
        "hits: there is no row of the level tag 'sing'; did you mean 'sign'?",
    )


def test_a_kind_of_which_there_is_no_event_is_refused(tmp_path: Path) -> None:
    folder = panel(tmp_path)
    words = r"hits: no event in events\.csv\.gz is of the kind 'hitt'; did you mean 'hit'"
    with pytest.raises(UsageError, match=words):
        from_files(folder, (), Files(), {"definition": "hitt"})


# Origins and refits


def test_origins_are_the_first_of_each_month_whose_window_lies_in_the_data() -> None:
    found = [from_days(day).date().isoformat() for day in origins(task())]
    assert (found[0], found[-1], len(found)) == ("2004-01-01", "2007-11-01", 47)
    wide = [from_days(day).date().isoformat() for day in origins(task(score_end="2007-12-31"))]
    assert wide[-1] == "2007-12-01"  # its thirty days end on 31 December, with the data
    assert len(origins(task(horizon_days=31))) == 47


def test_a_start_in_the_middle_of_a_month_waits_for_the_next() -> None:
    assert from_days(origins(task(score_start="2004-01-15"))[0]) == moment("2004-02-01")


@pytest.mark.parametrize(
    ("every", "days"),
    [("6h", 0.25), ("7D", 7.0), ("w", 7.0), ("2 weeks", 14.0), ("90min", 0.0625)],
)
def test_lengths_are_counted_from_the_start(every: str, days: float) -> None:
    assert step_of(every) == days
    found = origins(task(freq=every))
    assert found[0] == to_days(moment("2004-01-01"))
    assert np.diff(found) == pytest.approx(days)


@pytest.mark.parametrize(
    ("every", "start", "dates"),
    [
        ("W-MON", "2004-01-01", ["2004-01-05", "2004-01-12"]),
        ("w-thu", "2004-01-01", ["2004-01-01", "2004-01-08"]),
        ("2MS", "2004-01-15", ["2004-02-01", "2004-04-01"]),
        ("QS", "2004-02-01", ["2004-04-01", "2004-07-01"]),
        ("YS", "2004-01-01", ["2004-01-01", "2005-01-01"]),
    ],
)
def test_the_calendar_is_kept_forwards_and_backwards(
    every: str, start: str, dates: list[str]
) -> None:
    of = task(freq=every, score_start=start)
    assert [from_days(day).date().isoformat() for day in origins(of)[:2]] == dates
    before = from_days(training_origins(of, to_days(moment("2001-01-01")))[-1])
    gap = moment(dates[1]) - moment(dates[0])
    assert abs((moment(dates[0]) - before) - gap).days <= 3
    assert before < moment(start)


def test_training_ends_where_the_calendar_begins() -> None:
    years = training_origins(task(freq="100YS", train_start="1000-01-01"), -float("inf"))
    assert len(years) == 10
    assert len(training_origins(task(freq="100YS", train_start=None), -float("inf"))) == 20


def test_training_goes_back_to_its_start_or_that_of_the_facts() -> None:
    found = training_origins(task(), to_days(moment("2001-01-01")))
    assert from_days(found[0]) == moment("2001-06-01")
    assert from_days(found[-1]) == moment("2003-12-01")
    late = training_origins(task(freq="7D"), to_days(moment("2003-12-20")))
    assert [from_days(day).day for day in late] == [25]
    assert training_origins(task(), np.inf) == []


@pytest.mark.parametrize(
    ("refit", "dates"),
    [
        ("yearly", ["2004-02-10", "2005-01-01"]),
        ("quarterly", ["2004-02-10", "2004-04-01", "2004-07-01", "2004-10-01", "2005-01-01"]),
        ("never", ["2004-02-10"]),
    ],
)
def test_the_model_is_refitted_at_the_start_and_then_with_the_calendar(
    refit: str, dates: list[str]
) -> None:
    of = task(score_start="2004-02-10", refit=refit)
    found = refits(of, to_days(moment("2005-03-01")))
    assert [from_days(day).date().isoformat() for day in found] == dates


# At risk

DAY = {"score_start": "1970-01-11", "data_end": "1971-12-31", "train_start": "1970-01-01"}


def small(**spans: Any) -> Facts:
    rows = [("a", "t", 5.0, 5.0, 1.0), ("a", "t", 60.0, 60.0, 1.0), ("b", "t", 20.0, 33.0, 1.0)]
    events = [("a", "hit", 10.0, 12.0), ("a", "hit", 40.0, 40.0)]
    return Facts.of(rows, events, **spans)


def rows_of(of: BacktestTask, facts: Facts) -> list[tuple[str, float]]:
    marks = marks_at(of, with_spans(of, facts), [float(day) for day in range(5, 70, 5)])
    return [(facts.units[u], o) for u, o in zip(marks.unit, marks.origin, strict=True)]


def test_a_unit_is_at_risk_from_after_its_first_row_was_known() -> None:
    found = rows_of(task(**DAY), small())
    assert min(day for unit, day in found if unit == "a") == 10.0
    assert min(day for unit, day in found if unit == "b") == 35.0
    everyone = rows_of(task(**DAY, units="all"), small())
    assert min(day for unit, day in everyone if unit == "b") == 5.0


def test_quiet_days_begin_when_the_event_is_known_and_count_from_when_it_happened() -> None:
    found = [day for unit, day in rows_of(task(**DAY, quiet_days=10), small()) if unit == "a"]
    # known on day 12 of day 10: at risk on day 10 and again after day 20
    assert found == [10.0, 25.0, 30.0, 35.0, 40.0, 55.0, 60.0, 65.0]


def test_until_its_event_a_unit_is_at_risk_once() -> None:
    found = rows_of(task(**DAY, at_risk="until it happens"), small())
    assert [day for unit, day in found if unit == "a"] == [10.0]
    assert [day for unit, day in found if unit == "b"] == []  # its last row was known later


def test_spans_that_the_facts_bring_are_kept() -> None:
    spans = [("a", 12.0, 22.0), ("a", 20.0, 30.0), ("b", 0.0, np.inf)]
    found = rows_of(task(**DAY), small(spans=spans))
    assert [day for unit, day in found if unit == "a"] == [15.0, 20.0, 25.0, 30.0]
    assert min(day for unit, day in found if unit == "b") == 35.0


def test_quiet_days_are_not_learnt_from_either() -> None:
    of = task(**DAY, quiet_days=10)
    spans = without_quiet(of, small(), 45.0).spans
    assert spans is not None
    own = [(s, e) for u, s, e in zip(spans.unit, spans.start, spans.end, strict=True) if u == 0]
    assert own == [(5.0, 12.0), (20.0, 40.0), (50.0, np.inf)]
    before = without_quiet(of, small(), 40.0).spans  # the second was not known yet
    assert before is not None
    assert before.end[before.unit == 0].tolist() == [12.0, np.inf]
    assert without_quiet(task(**DAY), small(), 45.0).spans is None


def test_an_event_that_is_known_after_its_quiet_days_silences_nothing() -> None:
    late = Facts.of([("a", "sign", 4.0, 5.0, 1.0)], [("a", "hit", 20.0, 50.0)])
    spans = without_quiet(task(**DAY, quiet_days=10), late, 90.0).spans
    assert spans is not None
    assert (spans.start.tolist(), spans.end.tolist()) == ([5.0], [np.inf])


def test_all_units_are_watched_from_the_first_row_on() -> None:
    assert watched(task(**DAY, units="all"), small()).start.tolist() == [5.0, 5.0]
    assert watched(task(**DAY), small()).start.tolist() == [5.0, 33.0]


# Files


def test_dates_are_known_at_their_end_and_late_reports_when_they_were_published(
    tmp_path: Path,
) -> None:
    head = ("observed_at", "published_at", "unit", "tag", "value", "source", "note")
    rows = [
        ("2004-01-01", "", "a", "t", 185.5, "x", "y"),
        ("2004-01-01", "2004-03-01", "a", "t", -2, "", ""),
    ]
    write(tmp_path / "reports.csv", head, rows)
    write(tmp_path / "events.csv", ("unit", "occurred_at", "kind"), [("b", "2004-02-01", "hit")])
    found = from_files(tmp_path, (), Files(), TASK)
    facts = unpack_facts(found.packed)
    start = to_days(moment("2004-01-01"))
    assert facts.indicators.occurred.tolist() == [start, start]
    assert facts.indicators.known == pytest.approx([start + 1, start + 61], abs=1e-4)
    assert facts.indicators.value.tolist() == [185.5, -2.0]
    assert (facts.units, facts.tags, facts.kinds) == (("a", "b"), ("t",), ("hit",))


def test_exposure_is_when_a_unit_is_at_risk(tmp_path: Path) -> None:
    folder = panel(tmp_path)
    write(
        folder / "exposure.csv",
        ("unit", "from", "to"),
        [("u1", "2002-01-01", "2002-12-31"), ("u2", "2003-01-01", "")],
    )
    spans = unpack_facts(from_files(folder, (), Files(), {}).packed).spans
    assert spans is not None
    year = [to_days(moment(f"{y}-01-01")) for y in (2002, 2003)]
    assert spans.start.tolist() == year
    assert spans.end.tolist() == [year[1], np.inf]


def test_rows_that_cannot_be_read_are_left_out_and_named(tmp_path: Path) -> None:
    rows = [("a", "2004-01-01", "hit"), ("a", "someday", "hit"), ("", "2004-01-01", "hit")]
    rows.append(("a", "0204-01-01", "hit"))
    write(tmp_path / "events.csv", ("unit", "occurred_at", "kind"), rows)
    read = read_panel(tmp_path / "events.csv", None, None)
    assert len(read.facts.events) == 1
    assert read.findings == [
        "events.csv: 3 rows were left out; line 3: occurred_at: 'someday' is not a date or time "
        "in ISO 8601; line 4: unit is empty; line 5: 0204-01-01 is before the year 1000"
    ]


def test_files_that_are_named_go_before_the_folder(tmp_path: Path) -> None:
    folder = panel(tmp_path / "panel")
    other = tmp_path / "one.csv"
    write(other, ("unit", "occurred_at", "kind"), [("z", "2004-01-01", "hit")])
    found = from_files(folder, ("hits",), Files(events=other), {})
    assert unpack_facts(found.packed).events_of("hit").occurred.tolist() == [
        to_days(moment("2004-01-01"))
    ]


def test_without_a_file_of_tasks_flags_say_it_all(tmp_path: Path) -> None:
    folder = panel(tmp_path)
    (folder / "tasks.json").unlink()
    flags = {"definition": "hit", "horizon": "30 days", "score_start": "2004-01-01"}
    found = from_files(folder, (), Files(), flags | {"score_end": "2007-12-31"}).tasks[0]
    assert (found.name, found.definition, found.every) == ("backtest", "hit", "MS")
    with pytest.raises(ConfigError, match="flags: backtest: score_start is missing"):
        from_files(folder, (), Files(), {"definition": "hit", "horizon": "30 days"})


@pytest.mark.parametrize(
    ("place", "error", "words"),
    [
        ("nowhere", UsageError, "no such folder"),
        ("", UsageError, "which events"),
        ("events.csv", ConfigError, "is not JSON"),
    ],
)
def test_a_place_that_holds_nothing_is_refused(
    tmp_path: Path, place: str, error: type[Exception], words: str
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (tmp_path / "empty" / "tasks.json").write_text(json.dumps({"hits": TASK}))
    (tmp_path / "empty" / "events.csv").write_text("unit,occurred_at,kind\n") if place else None
    with pytest.raises(error, match=words):
        from_files(folder / place, (), Files(), {})


def test_a_walk_without_an_origin_is_refused(tmp_path: Path) -> None:
    from jobs.backtest.walk import blocks_of

    with pytest.raises(InputError, match="no origin has its whole window within the data"):
        blocks_of(task(score_start="2007-12-15"), 1, True)


def test_facts_that_end_long_before_the_data_are_said_to_are_a_finding(tmp_path: Path) -> None:
    folder = panel(tmp_path)
    assert not any("newest fact" in words for words in from_files(folder, (), Files(), {}).findings)
    beyond = from_files(folder, (), Files(), {"data_end": "2031-12-31"}).findings
    assert any("data_end" in words and "2031-12-31" in words for words in beyond)
