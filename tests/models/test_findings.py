"""Facts that contradict each other are named; they stop nothing."""

from dataclasses import replace

from forecast.evidence import Coverage, CoverageState
from models.findings import findings
from models.hazard import Hazard
from tests.models import worlds


def test_events_before_observation_are_named() -> None:
    task = worlds.task(worlds.beliefs(), events=[worlds.event("old", -20.0, 5.0)])
    [found] = findings(task)
    assert found.startswith("1 event before 2025-01-01, where observation begins")
    assert Hazard().update(task, None).estimates[0].diagnostics["events"] == 0.0


def test_several_of_what_happens_once_are_named() -> None:
    events = [worlds.event("one", 20.0), worlds.event("two", 40.0)]
    once = worlds.task(worlds.beliefs(recurrent=False), events=events)
    assert "what can happen only once" in findings(once)[0]
    assert findings(worlds.task(worlds.beliefs(recurrent=True), events=events)) == ()


def test_an_event_while_nothing_was_at_risk_is_named() -> None:
    task = worlds.task(worlds.beliefs(), events=[worlds.event("e", 50.0)])
    span = Coverage(
        "c", "u", CoverageState.NOT_AT_RISK, worlds.day(40), worlds.day(60), worlds.day(1)
    )
    odd = replace(task, snapshot=replace(task.snapshot, coverage=(span,)))
    [found] = findings(odd)
    assert "happened while u was said not to be at risk" in found
    assert Hazard().update(odd, None).estimates[0].diagnostics["events"] == 1.0
