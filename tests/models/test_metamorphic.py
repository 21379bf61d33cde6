"""What must hold whatever the number is: order, silence, monotony, parts and wholes, leaks."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.estimate import Estimate
from forecast.evidence import Coverage, CoverageState, Event, Report
from forecast.question import Question
from models.hazard import Hazard
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from tests.models import worlds
from tests.models.worlds import beliefs, day, effect, event, grouped, question, report

MODEL = Hazard()
TAGS = (effect("a"), effect("b", 0.3, 0.2, 14.0))
BELIEVED = beliefs(*TAGS, narrower=worlds.KINDS)
REPORTS = [report("r0", 60), report("r1", 150, "b"), report("r2", 195)]
EVENTS = [event("e0", 70.4, definition="covert")]
FEW = settings(
    max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def estimate(
    reports: Iterable[Report] = REPORTS,
    events: Iterable[Event] = EVENTS,
    asked: Question | None = None,
    as_of: float = 200,
    believed: Beliefs = BELIEVED,
) -> Estimate:
    task = worlds.task(believed, as_of, reports, events, [asked or question()])
    [found] = MODEL.update(task, None).estimates
    return found


def p(
    reports: Iterable[Report] = REPORTS,
    events: Iterable[Event] = EVENTS,
    asked: Question | None = None,
    as_of: float = 200,
    believed: Beliefs = BELIEVED,
) -> float:
    return estimate(reports, events, asked, as_of, believed).probability


@pytest.fixture(scope="module")
def plain() -> float:
    return p()


@FEW
@given(order=st.permutations(range(5)))
def test_the_order_of_rows_changes_nothing(order: list[int]) -> None:
    told = [*REPORTS, report("r3", 195, incident="r2"), report("r4", 195, incident="r2")]
    task = worlds.task(BELIEVED, 200, told, EVENTS)
    shuffled = replace(task, snapshot=replace(task.snapshot, reports=tuple(told[i] for i in order)))
    one, other = (MODEL.update(t, None).estimates[0] for t in (task, shuffled))
    assert one.probability == other.probability
    assert one.curve == other.curve


@pytest.mark.parametrize("days", [1, 365, -400])
def test_another_calendar_changes_nothing(days: int, plain: float) -> None:
    by = timedelta(days=days)
    task = worlds.task(BELIEVED, 200, REPORTS, EVENTS)
    s = task.snapshot
    questions = tuple(
        replace(q, opens_at=q.opens_at + by, deadline=q.deadline + by) for q in task.questions
    )
    moved = replace(
        task,
        beliefs=replace(BELIEVED, observed_since=(worlds.START + by).isoformat()),
        questions=questions,
        snapshot=replace(
            s,
            as_of=s.as_of + by,
            questions=questions,
            reports=tuple(
                replace(r, occurred_at=r.occurred_at + by, known_at=r.known_at + by)
                for r in s.reports
            ),
            events=tuple(
                replace(e, occurred_at=e.occurred_at + by, known_at=e.known_at + by)
                for e in s.events
            ),
        ),
    )
    assert MODEL.update(moved, None).estimates[0].probability == plain


@pytest.mark.parametrize(
    "nothing",
    [
        pytest.param(report("x", 150, value=0.0), id="of no strength"),
        pytest.param(report("x", 150, "unheard-of"), id="of a tag not listened to"),
        pytest.param(report("x", 200), id="known at as_of"),
        pytest.param(report("x", 230, occurred=150), id="known after as_of"),
        pytest.param(
            report("x", 200, incident="r2", occurred=120, value=0.1), id="corrected after as_of"
        ),
    ],
)
def test_a_report_that_says_nothing_changes_no_bit(nothing: Report, plain: float) -> None:
    found = estimate([*REPORTS, nothing])
    assert found.probability == plain
    assert found.contributions == estimate().contributions


@pytest.mark.parametrize("known", [200.0, 230.0])
def test_an_event_known_later_changes_no_bit(known: float, plain: float) -> None:
    assert p(events=[*EVENTS, event("x", 150, known)]) == plain
    kinds = question("covert")
    assert p(events=[*EVENTS, event("x", 150, known, "covert")], asked=kinds) == p(asked=kinds)


@FEW
@given(value=st.floats(0.1, 0.6), known=st.floats(100, 180), tag=st.sampled_from(["a", "b"]))
def test_a_raising_report_raises_p_and_a_stronger_or_fresher_one_more(
    value: float, known: float, tag: str
) -> None:
    base = p()
    weak, strong, fresh = (
        p([*REPORTS, new])
        for new in (
            report("x", known, tag, value=value),
            report("x", known, tag, value=value + 0.3),
            report("x", known + 15, tag, value=value),
        )
    )
    assert base < weak < strong
    assert weak < fresh


def test_a_brake_lowers_p() -> None:
    braked = beliefs(effect("a"), effect("b", -0.5, 0.2, 14.0))
    told = [report("r0", 60), report("r2", 195)]
    assert p([*told, report("x", 190, "b")], believed=braked) < p(told, believed=braked)


def test_in_a_group_more_evidence_counts_for_less_than_apart_and_never_for_nothing() -> None:
    together, apart = beliefs(*grouped(*TAGS)), beliefs(*TAGS)
    told = [report("x", 195), report("y", 195, "b")]
    one, both = (p(told[:n], [], believed=together) for n in (1, 2))
    assert one < both < p(told, [], believed=apart)


@FEW
@given(first=st.integers(205, 260), more=st.integers(1, 60))
def test_a_later_deadline_is_never_less_likely(first: int, more: int) -> None:
    soon, late = question(deadline=first), question(deadline=first + more, name="late")
    task = worlds.task(BELIEVED, 200, REPORTS, EVENTS, [soon, late])
    one, other = MODEL.update(task, None).estimates
    assert one.probability < other.probability
    levels = [point.probability for point in other.curve]
    assert levels == sorted(levels)


def test_a_wider_definition_is_never_less_likely_and_its_parts_make_it_up() -> None:
    asked = [question(kind) for kind in ("strike", "covert", "overt", "announced")]
    found = MODEL.update(worlds.task(BELIEVED, 200, REPORTS, EVENTS, asked), None).estimates
    whole, covert, overt, announced = (e.probability for e in found)
    assert announced < overt < whole
    assert covert < whole
    assert whole < covert + overt < whole + covert * overt * 3
    once = replace(BELIEVED, recurrent=False)
    found = MODEL.update(worlds.task(once, 200, REPORTS, EVENTS, asked), None).estimates
    assert found[1].probability + found[2].probability == pytest.approx(
        found[0].probability, abs=1e-9
    )


def test_days_without_an_event_lower_p_and_an_event_raises_it() -> None:
    def ahead(as_of: float, events: Iterable[Event] = ()) -> float:
        return p([], events, question(deadline=as_of + 60), as_of)

    silent = [ahead(day) for day in (50, 150, 300, 600)]
    assert silent == sorted(silent, reverse=True)
    assert silent[0] > 1.1 * silent[-1]
    assert ahead(300, [event("x", 200)]) > silent[2]


def test_silence_under_evidence_says_more_than_silence_without() -> None:
    def ahead(told: list[Report]) -> float:
        # asked far from any evidence: only what was learnt of the rate is left
        return p(told, [], question(opens=1500, deadline=1600), 1500)

    signs = [report(f"x{i}", 5 + 10 * i, value=1.0) for i in range(20)]
    assert ahead(signs) < ahead([])


def test_copies_by_one_newsroom_add_nothing_and_others_add_credibility() -> None:
    def told(*newsrooms: str) -> list[Report]:
        return [
            report(f"x{i}", 190, incident="x", origin=name, grade="C3")
            for i, name in enumerate(newsrooms)
        ]

    one, copied, two, many = (p(told(*n)) for n in ("n", "nnn", "nm", "nmabcdefg"))
    assert one == copied
    assert one < two < many


def test_what_was_known_before_the_watch_began_does_not_quicken_the_news_to_come() -> None:
    bygone = [report(f"x{i}", -5 - i, occurred=-4000.0) for i in range(30)]
    early, later = question(deadline=90), question(deadline=250)
    assert p(bygone, [], early, 10) == pytest.approx(p([], [], early, 10), rel=1e-12)
    assert p([*REPORTS, *bygone], asked=later) == pytest.approx(p(asked=later), rel=1e-12)


def test_a_correction_counts_as_corrected() -> None:
    corrected = replace(REPORTS[2], value=0.3, known_at=worlds.day(198))
    assert p([*REPORTS[:2], corrected]) < p()
    assert p([*REPORTS[:2], replace(corrected, value=0.0)]) == p(REPORTS[:2])


def test_what_is_known_to_happen_only_after_the_deadline_changes_no_bit() -> None:
    vote = replace(effect("vote"), kind="scheduled")
    believed = beliefs(*TAGS, vote)
    told = [*REPORTS, report("v", 150, "vote", occurred=320.0)]
    asked = question(deadline=290)
    assert p(told, asked=asked, believed=believed) == p(asked=asked, believed=believed)
    assert p(told, asked=question(deadline=400), believed=believed) > p(
        asked=question(deadline=400), believed=believed
    )


def test_a_rate_that_is_certain_and_no_tags_is_the_conjugate_answer() -> None:
    sharp = replace(
        beliefs(log_ceiling=None), log_rate=Normal(-5.0, 1e-6), log_shape=Normal(1.2, 1e-6)
    )
    kappa, rate = np.exp(1.2), np.exp(-5.0)
    shape, scale = kappa + 1, kappa / rate + 200
    found = p([], [event("e", 70.4)], question(deadline=290), believed=sharp)
    assert found == pytest.approx(1 - (scale / (scale + 90)) ** shape, abs=1e-5)


def test_without_days_at_risk_p_is_that_of_the_prior() -> None:
    believed = replace(beliefs(log_ceiling=None), observed_since=worlds.day(200).isoformat())
    found = estimate([], [], question(opens=200, deadline=290), believed=believed)
    rng = np.random.default_rng(1)
    rate = np.exp(rng.normal(worlds.RATE.mean, worlds.RATE.sd, 400_000))
    kappa = np.exp(rng.normal(worlds.SHAPE.mean, worlds.SHAPE.sd, 400_000))
    g = rng.gamma(kappa) / kappa * rate
    assert found.probability == pytest.approx(np.mean(-np.expm1(-90 * g)), abs=4 * found.mcse)
    assert found.diagnostics["days_at_risk"] == 0


def off_risk(first: float, last: float, state: str = "not-at-risk") -> Coverage:
    return Coverage(
        f"c{first}", "u", CoverageState(state), day(first), day(last), known_at=day(first)
    )


def covered(*spans: Coverage, events: Iterable[Event] = ()) -> Estimate:
    task = worlds.task(BELIEVED, 200, [], events)
    posed = replace(task, snapshot=replace(task.snapshot, coverage=spans))
    return MODEL.update(posed, None).estimates[0]


def test_a_day_not_at_risk_is_no_day_without_an_event() -> None:
    silent, missing = covered(), covered(off_risk(20, 120))
    assert (silent.diagnostics["days_at_risk"], missing.diagnostics["days_at_risk"]) == (200, 100)
    assert missing.probability > silent.probability + 3 * silent.mcse
    assert missing.inputs_digest != silent.inputs_digest
    # days that were not there: as watching a hundred days less
    short = replace(BELIEVED, observed_since=day(100).isoformat())
    task = worlds.task(short, 200, [], [])
    [found] = MODEL.update(task, None).estimates
    error = np.hypot(found.mcse, missing.mcse)
    assert missing.probability == pytest.approx(found.probability, abs=4 * error + 0.004)


def test_a_feed_that_was_down_is_not_a_feed_that_was_silent() -> None:
    silent, down, blind = covered(), covered(off_risk(20, 190, "down")), covered(off_risk(0, 1))
    assert down.probability > silent.probability  # more may come than the silence would say
    assert down.diagnostics["days_at_risk"] == silent.diagnostics["days_at_risk"]
    assert down.inputs_digest != silent.inputs_digest
    assert blind.diagnostics["days_at_risk"] == 199
