"""A scenario worked out: the configuration that is tested, and what comes when."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from forecast.alert_tables import ChannelTable, RuleTable, Subscription, alert_rules
from forecast.config import Config, Definition, WatchTable
from forecast.errors import InputError
from forecast.names import did_you_mean
from jobs.scenario_file import (
    SCRIPTED,
    Event,
    Expectation,
    ScenarioFile,
    Step,
    Trial,
    moment,
    parse_values,
    refusal,
    span,
)

TICK = timedelta(hours=1)  # the clock stops so often between forecasts
MOST_TICKS = 200_000
DEFAULT_CHANNEL = "desk"


def config_of(file: ScenarioFile, watch: Callable[[], Config], place: str) -> Config:
    """The watch's configuration or the file's own, in a form in which numbers can be scripted."""
    names = ("rules", "channels", "subscriptions", "quiet", "units", "indicators", "definitions")
    own = {name: getattr(file, name) for name in names if getattr(file, name)}
    if file.rules:
        found: dict[str, Any] = {"watch": WatchTable(title="A scenario"), **own}
        if not file.channels:
            found["channels"] = [ChannelTable(id=DEFAULT_CHANNEL, kind="log", grouped=False)]
            found["subscriptions"] = [Subscription(channel=DEFAULT_CHANNEL)]
    else:
        found = dict(watch()) | own
    scripted: dict[str, Any] = {"model": "base-rate", "coupled": {}, "learns": None}
    found["definitions"] = {
        SCRIPTED: Definition(model="base-rate", base_rate="1%..10% per quarter"),
        **{n: d.model_copy(update=scripted) for n, d in found.get("definitions", {}).items()},
    }
    try:
        return Config.model_validate(found)
    except ValidationError as error:
        raise refusal(error, place) from None


@dataclass(frozen=True, slots=True)
class Plan:
    """A test with its times worked out: what comes when, and where the clock stops at least.

    Each event comes with the configuration after it. `has_clockwork` says whether a rule may
    ring, or ring again, by the clock alone.
    """

    trial: Trial
    start: datetime
    interval: timedelta
    end: datetime
    steps: dict[datetime, dict[str, Step | None]]
    events: list[tuple[datetime, Event, Config]]
    expect: list[tuple[datetime, Expectation]]
    has_clockwork: bool

    def moments(self) -> Iterator[tuple[datetime, bool]]:
        """Where the clock stops, in order, and whether anything comes then."""
        updates = {self.start + self.interval * n for n in range(self._count(self.interval))}
        busy = updates | {at for at, *_ in self.events} | {at for at, _ in self.expect}
        tick = min(TICK, self.interval)
        ticks = {self.start + tick * n for n in range(self._count(tick))}
        return ((at, at in busy) for at in sorted(busy | ticks))

    def is_update(self, at: datetime) -> bool:
        """Whether forecasts are due."""
        return not (at - self.start) % self.interval

    def _count(self, step: timedelta) -> int:
        return int((self.end - self.start) / step) + 1


def plan_of(file: ScenarioFile, trial: Trial, config: Config, place: str) -> Plan:
    """Work a test out; InputError where it names what is not there."""
    start = trial.start or file.start
    interval = span(trial.interval or file.interval)
    steps = _steps(trial, start, interval, place)
    dated = [event.at for event in trial.events] + [e.at for e in trial.expect if e.at]
    moments = [moment(at, start) for at in dated]
    end = max([max(steps) + interval, *moments])
    if min([start, *moments]) < start:
        raise InputError("something happens before the start", at=place)
    if (end - start) / min(TICK, interval) > MOST_TICKS:
        raise InputError("lasts too long for its interval", at=place)
    events = _events(trial, start, config, place)
    configs = [config, *(after for *_, after in events)]
    _check_names(trial, configs, place)
    expect = [(moment(e.at, start) if e.at else end, e) for e in trial.expect]
    return Plan(
        trial=trial,
        start=start,
        interval=interval,
        end=end,
        steps=steps,
        events=events,
        expect=sorted(expect, key=lambda dated: dated[0]),
        has_clockwork=_has_clockwork(trial, configs),
    )


def _steps(
    trial: Trial, start: datetime, interval: timedelta, place: str
) -> dict[datetime, dict[str, Step | None]]:
    steps: dict[datetime, dict[str, Step | None]] = {}
    names = [series.question for series in trial.series]
    for number, series in enumerate(trial.series):
        if series.question in names[:number]:
            words = f"'{series.question}' has a series already"
            raise InputError(words, at=f"{place}.series.{number}.question")
        for count, step in enumerate(parse_values(series.values)):
            steps.setdefault(start + count * interval, {})[series.question] = step
    return steps


def _has_clockwork(trial: Trial, configs: list[Config]) -> bool:
    tables = [table for config in configs for table in config.rules]
    by_clock = any(table.within or table.after or table.repeat for table in tables)
    return by_clock or any(event.channel for event in trial.events)


def _check_names(trial: Trial, configs: list[Config], place: str) -> None:
    rules = {table.id for config in configs for table in alert_rules(config.rules)}
    channels = {table.id for table in configs[0].channels}
    definitions = set(configs[0].definitions)
    questions = {series.question for series in trial.series}
    subjects = questions | channels | {series.unit for series in trial.series}
    named: list[tuple[str, object, dict[str, set[str]]]] = [
        *((f"series.{n}", one, {"definition": definitions}) for n, one in enumerate(trial.series)),
        *(
            (f"expect.{n}", one, {"rule": rules, "question": subjects, "channel": channels})
            for n, one in enumerate(trial.expect)
        ),
    ]
    for n, event in enumerate(trial.events):
        named += [
            (f"events.{n}", event, {"remove": rules}),
            (f"events.{n}.ack", event.ack, {"rule": rules, "question": subjects}),
            (f"events.{n}.resolve", event.resolve, {"question": questions}),
            (f"events.{n}.channel", event.channel, {"id": channels}),
        ]
    for path, table, keys in named:
        for key, known in keys.items():
            name = getattr(table, key, None)
            if name is not None and name not in known:
                words = f"there is no '{name}'{did_you_mean(name, known)}"
                raise InputError(words, at=f"{place}.{path}.{key}")


def _events(
    trial: Trial, start: datetime, config: Config, place: str
) -> list[tuple[datetime, Event, Config]]:
    """The events in order of time, each with the configuration after it."""
    dated = [(moment(event.at, start), n, event) for n, event in enumerate(trial.events)]
    found = []
    for at, number, event in sorted(dated, key=lambda one: one[:2]):
        try:
            config = _edited(config, event)
        except ValidationError as error:
            raise refusal(error, f"{place}.events.{number}.edit") from None
        found.append((at, event, config))
    return found


def _edited(config: Config, event: Event) -> Config:
    if event.edit is None and event.remove is None:
        return config
    name = event.remove or event.edit["id"]  # type: ignore[index]
    tables = {table.id: table for table in alert_rules(config.rules)}
    rules = [table for table in config.rules if table.id != name]
    if event.edit is not None:
        before = tables[name].model_dump(exclude_unset=True) if name in tables else {}
        rules.append(RuleTable.model_validate(before | event.edit))
    return config.model_copy(update={"rules": rules})
