"""Scenario files: forecasts as they might come, and what the alerts are to make of them, in TOML.

    values = "15% 22%x2 _ 30%..45%x4 38%:prior unhealthy"

are, an interval apart: 15 %, twice 22 %, no update, four values from 30 % to 45 % in equal
steps, 38 % by a move that a prior retune caused, and an update whose model failed.
docs/alert-tests.md is the reference.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from forecast.alert import ChannelHealth, NoticeKind, RuleHealth, State
from forecast.alert_tables import Cause, ChannelTable, Quiet, RuleTable, Subscription, Table
from forecast.config import Definition, Indicator, Unit
from forecast.errors import InputError
from forecast.evidence import Outcome
from forecast.fields import Patterns, PositiveDays, utc_instant
from forecast.words import parse_days, parse_factor, parse_percent

SCRIPTED = "scripted"  # the definition and the unit of questions that name none
MOST_STEPS = 100_000
MOST_BYTES = 1 << 20
_VALUE = r"(?P<first>[\d.]+%?)(?:\.\.(?P<last>[\d.]+%?))?(?::(?P<cause>[a-z]+))?"
_STEP = re.compile(rf"(?:{_VALUE}|(?P<gap>_)|(?P<unhealthy>unhealthy))(?:x(?P<times>\d+))?")


@dataclass(frozen=True, slots=True)
class Step:
    """One update: a probability and what moved it there, or neither where the model failed."""

    probability: float | None
    cause: str = "evidence"


def parse_values(text: str) -> list[Step | None]:
    """The updates that a series stands for, None where there is none.

    >>> [step and step.probability for step in parse_values("10%x2 _ 20%..40%x3 unhealthy")]
    [0.1, 0.1, None, 0.2, 0.3, 0.4, None]
    """
    steps: list[Step | None] = []
    for word in text.split():
        match = _STEP.fullmatch(word)
        if match is None:
            raise ValueError(
                f"'{word}' is no value such as 15%, 22%x3, 20%..40%x5, 38%:prior, _ or unhealthy"
            )
        steps += _steps(word, **match.groupdict())
        if len(steps) > MOST_STEPS:
            raise ValueError(f"more than {MOST_STEPS:,} values")
    if not steps:
        raise ValueError("holds no value")
    return steps


def _steps(
    word: str,
    *,
    first: str | None,
    last: str | None,
    cause: str | None,
    gap: str | None,
    unhealthy: str | None,
    times: str | None,
) -> Sequence[Step | None]:
    count = int(times or 1) if len(times or "") < 8 else MOST_STEPS + 1
    if not 1 <= count <= MOST_STEPS:
        raise ValueError(f"'{word}': a value is repeated 1 to {MOST_STEPS:,} times")
    if gap or unhealthy:
        return [Step(None) if unhealthy else None] * count
    if cause is not None and cause not in get_args(Cause):
        raise ValueError(f"'{word}': a cause is one of {', '.join(get_args(Cause))}")
    start = parse_percent(first or "")
    if last is None:
        return [Step(start, cause or "evidence")] * count
    if count < 2:
        raise ValueError(f"'{word}': how many values? write it like 20%..40%x5")
    rise = (parse_percent(last) - start) / (count - 1)
    return [Step(round(start + rise * n, 12), cause or "evidence") for n in range(count)]


def _when(value: object) -> datetime | str:
    if not isinstance(value, str):
        return utc_instant(value)
    parse_days(value)
    return value


When = Annotated[datetime | str, BeforeValidator(_when)]
"""An instant, or how long after the start of the test."""
Instant = Annotated[datetime, BeforeValidator(utc_instant)]


class Series(Table):
    """The forecasts of one question, one an interval, the first at the start.

    `mcse` is their Monte Carlo standard error. With `spread` ("2x") the odds lie within that
    factor of the value either way, 90 % sure, as rules of kind certainty read; `ess` is the
    number of draws behind it.
    """

    question: str = Field(min_length=1)
    values: str
    title: str = ""
    unit: str = SCRIPTED
    definition: str = SCRIPTED
    deadline: Instant | None = None
    mcse: float = Field(default=0.0, ge=0.0, le=1.0)
    spread: str | None = None
    ess: float = Field(default=1000.0, gt=0.0, allow_inf_nan=False)

    @field_validator("values")
    @classmethod
    def _readable(cls, text: str) -> str:
        parse_values(text)
        return text

    @field_validator("spread")
    @classmethod
    def _factor(cls, text: str) -> str:
        parse_factor(text)
        return text


class SilenceAct(Table):
    """Somebody silences what fits, for so long."""

    rules: Patterns = Field(default=["*"])
    questions: Patterns = Field(default=["*"])
    units: Patterns = Field(default=["*"])
    tags: Patterns = Field(default=["*"])
    severities: Patterns = Field(default=["*"])
    for_: PositiveDays = Field(alias="for")
    reason: str = "a scenario"


class AckAct(Table):
    """Somebody acknowledges what a rule fires about a question."""

    rule: str
    question: str
    author: str = "somebody"
    note: str = ""


class ResolveAct(Table):
    """It becomes known how a question ended."""

    question: str
    outcome: Outcome


class ReportAct(Table):
    """A report on a unit becomes known."""

    unit: str = SCRIPTED
    tag: str = "report"


class ChannelAct(Table):
    """A channel fails, is switched off, or works again."""

    id: str
    health: ChannelHealth
    reason: str = "a scenario"


ACTS = ("silence", "ack", "edit", "remove", "resolve", "report", "channel")


class Event(Table):
    """One thing that happens, just before the forecast of the same moment.

    `edit` are keys of a rule, its `id` among them; `remove` is the id of one.
    """

    at: When
    silence: SilenceAct | None = None
    ack: AckAct | None = None
    edit: dict[str, Any] | None = None
    remove: str | None = None
    resolve: ResolveAct | None = None
    report: ReportAct | None = None
    channel: ChannelAct | None = None

    @model_validator(mode="after")
    def _one_act(self) -> "Event":
        if sum(getattr(self, act) is not None for act in ACTS) != 1:
            raise ValueError(f"an event is one of {', '.join(ACTS)}")
        if self.edit is not None and not isinstance(self.edit.get("id"), str):
            raise ValueError("edit needs the id of a rule")
        return self


def _message(words: str) -> str:
    kind, *rest = words.split() or [""]
    if kind not in [*NoticeKind] or len(rest) > 2:
        kinds = ", ".join(NoticeKind)
        raise ValueError(f"'{words}' is not a kind ({kinds}), maybe with a rule and a question")
    return words


Line = Annotated[str, AfterValidator(_message)]
Message = Line | dict[Literal["group", "digest"], list[Line]]


class Expectation(Table):
    """Where a rule is to stand, or exactly what a channel is to have been told; at the end of
    the test, where `at` is left out.
    """

    at: When | None = None
    rule: str | None = None
    question: str | None = None
    state: State | None = None
    episode: int | None = Field(default=None, ge=0)
    health: RuleHealth | None = None
    channel: str | None = None
    told: list[Message] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> "Expectation":
        standing = (self.rule, self.question)
        stands = [self.state, self.episode, self.health]
        if None not in standing and (self.channel, self.told) == (None, None):
            if stands == [None, None, None]:
                raise ValueError("needs a state, an episode or a health")
        elif standing != (None, None) or None in (self.channel, self.told):
            raise ValueError("needs rule, question and state, or channel and told")
        elif stands != [None, None, None]:
            raise ValueError("state, episode and health go with rule and question")
        return self


class Trial(Table):
    """One test: forecasts, what else happens, and what is to come of it."""

    name: str
    start: Instant | None = None
    interval: PositiveDays | None = None
    series: list[Series] = Field(min_length=1)
    events: list[Event] = Field(default=[])
    expect: list[Expectation] = Field(min_length=1)


class ScenarioFile(Table):
    """A file of tests; with rules of its own it stands alone, and reads no watch.toml.

    The tables but `tests` are those of watch.toml.
    """

    start: Instant = Field(default=datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
    interval: PositiveDays = "1 day"
    rules: list[RuleTable] = Field(default=[])
    channels: list[ChannelTable] = Field(default=[])
    subscriptions: list[Subscription] = Field(default=[])
    quiet: list[Quiet] = Field(default=[])
    units: dict[str, Unit] = Field(default={})
    indicators: dict[str, Indicator] = Field(default={})
    definitions: dict[str, Definition] = Field(default={})
    tests: list[Trial] = Field(min_length=1)


def moment(when: When, start: datetime) -> datetime:
    """The instant that it names."""
    return when if isinstance(when, datetime) else start + span(when)


def span(text: str) -> timedelta:
    """A duration in words."""
    return timedelta(days=parse_days(text))


def read_scenario(path: Path) -> ScenarioFile:
    """Read and check a file; InputError names the file and the key that is wrong."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise InputError(f"is longer than {MOST_BYTES} bytes", at=str(path))
        return ScenarioFile.model_validate(tomllib.loads(data.decode()))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", at=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("is not UTF-8", at=str(path)) from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is not TOML: {error}", at=str(path)) from None
    except ValidationError as error:
        raise refusal(error, str(path)) from None


def refusal(error: ValidationError, place: str) -> InputError:
    """The first of what pydantic finds wrong, as one line with the path of the key."""
    first = error.errors(include_url=False, include_input=False)[0]
    # pydantic names the member of a union that it tried, which is no key of the file
    keys = ".".join(str(k) for k in first["loc"] if k not in ("int", "str") and "[" not in str(k))
    words = first["msg"].removeprefix("Value error, ")
    words = {"extra_forbidden": "unknown key", "missing": "is missing"}.get(first["type"], words)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return InputError(f"{words}{more}", at=f"{place}: {keys}" if keys else place)
