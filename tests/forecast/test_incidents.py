"""Which reports are one thing: the rule, its limits, a person's word, and what comes later."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.evidence import Assignment, Report
from forecast.incidents import Ground, IncidentRule, Placed, Version, place

START = datetime(2025, 9, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def report(
    name: str,
    hour: float,
    known: float | None = None,
    words: str = "",
    tag: str = "strike",
    incident: str = "",
) -> Report:
    known_at = START + (hour if known is None else known) * HOUR
    return Report(name, "u", tag, START + hour * HOUR, known_at, incident, summary=words)


def placed(*reports: Report, rule: IncidentRule | None = None) -> dict[str, Placed]:
    versions = [Version(r) for r in reports]
    return {p.report.report_id: p for p in place(versions, (), rule or IncidentRule())}


def groups(*reports: Report, rule: IncidentRule | None = None) -> dict[str, str]:
    return {name: p.report.incident_id for name, p in placed(*reports, rule=rule).items()}


def test_reports_around_midnight_are_one_thing_and_those_of_two_days_are_not() -> None:
    found = groups(report("a", 23.8), report("b", 24.2), report("c", 47.8))
    assert found == {"a": "strike@2025-09-01", "b": "strike@2025-09-01", "c": "strike@2025-09-02"}


def test_days_given_as_dates_stay_apart() -> None:
    assert len(set(groups(*(report(f"r{d}", 24 * d) for d in range(5))).values())) == 5


def test_the_window_is_counted_from_the_first_report_and_does_not_creep() -> None:
    found = groups(*(report(f"r{n}", 12 * n) for n in range(4)))
    assert found["r0"] == found["r1"] != found["r2"] == found["r3"]


def test_the_window_is_the_watchs_own() -> None:
    rule = IncidentRule(timedelta(hours=36))
    assert len(set(groups(report("a", 0), report("b", 35), rule=rule).values())) == 1
    assert len(set(groups(report("a", 0), report("b", 36), rule=rule).values())) == 2


def test_another_tag_is_another_thing() -> None:
    found = groups(report("a", 1), report("b", 1, tag="talks"))
    assert found == {"a": "strike@2025-09-01", "b": "talks@2025-09-01"}


def test_words_that_are_not_alike_are_two_things_where_the_rule_asks() -> None:
    rule = IncidentRule(similarity=0.5)
    told = [
        report("a", 1, words="Dockers vote for a strike in the harbour"),
        report("b", 2, words="Harbour dockers back strike in ballot"),
        report("c", 3, words="Pilots walk out at the airport"),
        report("d", 4, words="Airport pilots walk out again"),
    ]
    found = placed(*told, rule=rule)
    names = {name: p.report.incident_id for name, p in found.items()}
    assert names["a"] == names["b"] == "strike@2025-09-01"
    assert names["c"] == names["d"] == "strike@2025-09-01#2"
    assert found["b"].alike == 3 / 4  # dockers, strike and harbour, of harbour's four words
    assert len(set(groups(*told).values())) == 1


def test_where_either_has_no_words_time_alone_decides() -> None:
    rule = IncidentRule(similarity=0.9)
    found = placed(report("a", 1, words="Dockers vote"), report("b", 2), rule=rule)
    assert found["b"].report.incident_id == found["a"].report.incident_id
    assert found["b"].alike is None
    assert found["b"].apart == HOUR


def test_of_several_the_most_alike_is_chosen_and_then_the_nearest() -> None:
    told = [
        report("a", 1, words="Dockers vote for strike", incident="docks"),
        report("b", 5, 2, "Pilots vote for strike", incident="air"),
        report("c", 4, words="The dockers vote"),
        report("d", 4, words="They vote for strike"),
    ]
    found = groups(*told)
    assert (found["c"], found["d"]) == ("docks", "air")


def test_scripts_without_spaces_are_compared_by_their_characters() -> None:
    rule = IncidentRule(similarity=0.5)
    told = [report("a", 1, words="港口工人罢工"), report("b", 2, words="港口罢工开始")]
    assert len(set(groups(*told, rule=rule).values())) == 1
    assert len(set(groups(told[0], report("c", 2, words="总统辞职"), rule=rule).values())) == 2


def test_what_a_report_says_itself_goes_before_the_rule() -> None:
    found = placed(report("a", 1, incident="x"), report("b", 1, incident="y"), report("c", 900))
    assert [p.report.incident_id for p in found.values()] == ["x", "y", "strike@2025-10-08"]
    assert found["a"].ground is Ground.STATED


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    told=st.lists(
        st.tuples(
            st.integers(0, 60),
            st.integers(0, 80),
            st.sampled_from(["", "dockers strike", "pilots strike", "pilots walk", "talks"]),
            st.sampled_from(["", "", "x"]),
        ),
        max_size=12,
    ),
    until=st.integers(0, 80),
    order=st.randoms(use_true_random=False),
)
def test_later_reports_move_no_earlier_one_and_order_of_arrival_here_is_nothing(
    told: list[tuple[int, int, str, str]], until: int, order: object
) -> None:
    rule = IncidentRule(timedelta(hours=10), 0.5)
    reports = [
        report(f"r{n}", hour, known, words, incident=incident)
        for n, (hour, known, words, incident) in enumerate(told)
    ]
    whole = groups(*reports, rule=rule)
    shuffled = list(reports)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert groups(*shuffled, rule=rule) == whole
    early = [r for r in reports if r.known_at < START + until * HOUR]
    assert groups(*early, rule=rule).items() <= whole.items()


def test_a_correction_stays_where_the_report_was_unless_its_date_moves() -> None:
    first = report("a", 1, words="Dockers vote")
    reworded = replace(first, summary="Pilots walk out", known_at=START + 50 * HOUR)
    moved = replace(first, occurred_at=START + 40 * HOUR, known_at=START + 60 * HOUR)
    versions = [
        Version(first, reworded.known_at),
        Version(reworded, moved.known_at),
        Version(moved),
    ]
    found = place(versions, (), IncidentRule(similarity=0.9))
    assert [p.ground for p in found] == [Ground.FIRST, Ground.CORRECTED, Ground.FIRST]
    assert [p.report.incident_id[-5:] for p in found] == ["09-01", "09-01", "09-02"]


def test_a_persons_word_counts_from_when_it_was_said() -> None:
    said = Assignment("b", "strike@2025-09-01", START + 90 * HOUR, "ada", "the same walk-out")
    found = place([Version(report("a", 1)), Version(report("b", 70))], [said])
    assert [(p.report.report_id, p.until, p.ground) for p in found] == [
        ("a", None, Ground.FIRST),
        ("b", said.known_at, Ground.FIRST),
        ("b", None, Ground.ASSIGNED),
    ]
    assert found[2].report.known_at == said.known_at
    assert found[2].report.incident_id == "strike@2025-09-01"
    assert found[2].assignment == said


def test_of_two_words_the_last_counts_and_a_later_version_keeps_it() -> None:
    words = [
        Assignment("a", name, START + hour * HOUR, "ada", "why")
        for name, hour in (("x", 10), ("y", 20))
    ]
    corrected = replace(report("a", 1), value=0.2, known_at=START + 30 * HOUR)
    versions = [Version(report("a", 1), corrected.known_at), Version(corrected)]
    found = place(versions, words)
    assert [p.report.incident_id for p in found] == ["strike@2025-09-01", "x", "y", "y"]
    assert [p.until for p in found[:2]] == [words[0].known_at, words[1].known_at]
