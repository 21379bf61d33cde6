"""A definition of a watch as a panel: the reports and events of its store, as they were known.

A correction is two rows from its moment on: the old value taken back and the new one; a
retraction the first of them alone. So each origin counts what stood then. Of levels, where the
last value counts, the version that was known first stands. An event counts from when it was first
known, or from its correction on where that moved it; one that was retracted is no event, and was
never one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from forecast.errors import UsageError
from forecast.evidence import Event, Report, Superseded
from forecast.names import did_you_mean
from forecast.question import Snapshot
from jobs.app import App
from jobs.backtest.packing import pack_facts
from jobs.backtest.source import Source
from jobs.backtest.tasks import task_of
from jobs.learning import class_of
from models.panel.family import class_facts
from models.pool.record import is_of_class
from models.pool.stack import OF_CLASS
from models.priors.beliefs import Beliefs, beliefs_of

FAMILIES = ("panel", "pool")


def from_watch(app: App, definition: str, flags: Mapping[str, Any], now: datetime) -> Source:
    """A root definition of a watch, as its class of units was known up to `now`.

    `flags` say when; how far ahead, where they do not, is the `learns.horizon` of the definition.
    UsageError where it is none that a panel can forecast.
    """
    config = app.config
    if definition not in config.definitions:
        near = did_you_mean(definition, list(config.definitions))
        raise UsageError(f"there is no definition '{definition}'{near}")
    table = config.definitions[definition]
    if table.within is not None:
        words = f"lies within '{table.within}': a panel forecasts the widest, which is"
        raise UsageError(f"{words} '{config.root_of(definition)}'", at=f"definitions.{definition}")
    if table.model not in FAMILIES:
        words = f"is of the family '{table.model}', which is not walked over units; without"
        raise UsageError(
            f"{words} --definition the questions of the watch are backtested by their own family",
            at=f"definitions.{definition}",
        )
    beliefs = beliefs_of(config, definition)
    horizon = table.learns.horizon if table.learns else None
    said = {"definition": definition, "horizon": horizon, "data_end": now.isoformat()}
    task = replace(
        task_of(definition, said | {"model": table.model}, flags, "flags"),
        settings=table.learns.settings if table.learns else None,
        level_tags=_levels(beliefs) or None,
    )
    snapshots = class_of(app, definition, now)
    facts = class_facts(tuple(unfolded(s, task.level_tags or ()) for s in snapshots), beliefs)
    return Source((task,), pack_facts(facts), tuple(_findings(snapshots, beliefs)))


def unfolded(snapshot: Snapshot, levels: tuple[str, ...]) -> Snapshot:
    """The snapshot with every version of its reports as rows of their own; see the module."""
    ended = [v for v in snapshot.earlier_reports if v.fact.tag not in levels]
    first = _first(snapshot, levels)
    reports = [r for r in snapshot.reports if r.tag not in levels]
    reports += [version.fact for version in ended]
    reports += [replace(v.fact, value=-v.fact.value, known_at=v.until) for v in ended]
    events = tuple(_known_first(event, snapshot.earlier_events) for event in snapshot.events)
    return replace(snapshot, reports=(*reports, *first), events=events)


def _first(snapshot: Snapshot, levels: tuple[str, ...]) -> list[Report]:
    """Of each report of a level, the version that was known first."""
    versions = [version.fact for version in snapshot.earlier_reports] + list(snapshot.reports)
    found: dict[str, list[Report]] = defaultdict(list)
    for report in versions:
        if report.tag in levels:
            found[report.report_id].append(report)
    return [min(those, key=lambda report: report.known_at) for those in found.values()]


def _known_first(event: Event, earlier: Iterable[Superseded[Event]]) -> Event:
    """The event, known from when a version of the same date was known."""
    same = [
        version.fact.known_at
        for version in earlier
        if version.fact.event_id == event.event_id
        and version.fact.occurred_at == event.occurred_at
        and version.fact.definition == event.definition
    ]
    return replace(event, known_at=min([event.known_at, *same]))


def _levels(beliefs: Beliefs) -> tuple[str, ...]:
    return tuple(effect.tag for effect in beliefs.effects if effect.kind == "level")


def _findings(snapshots: Iterable[Snapshot], beliefs: Beliefs) -> list[str]:
    """What a walk over today's store cannot see as it was, and what it walks in another's place."""
    found = ["indicators and settings are those that the watch states today"]
    if any(s.earlier_events for s in snapshots):
        found.append("events that were retracted since are left out from the first")
    if beliefs.pool and not is_of_class(beliefs.pool):
        walked = ", ".join(f"{name} {weight:g}" for name, weight in OF_CLASS.items())
        found.append(f"the pool of this definition is another; what is walked is {walked}")
    return found
