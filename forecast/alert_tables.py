"""The tables of watch.toml that say who is alerted, when, and how: rules, channels, quiet hours."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from forecast.alert import NO_TIME, Rule, RuleKind, Selector, clear_line
from forecast.estimate import QUANTILE_LEVELS
from forecast.fields import (
    ClockTime,
    Days,
    Identifier,
    Patterns,
    PositiveDays,
    Probability,
    SecretReference,
    ZoneName,
    utc_instant,
)
from forecast.words import parse_days, parse_factor, parse_percent

LAST_ALERT = "last alert"
READ_TWICE = (
    RuleKind.THRESHOLD,
    RuleKind.CERTAINTY,
    RuleKind.CHANGE,
    RuleKind.LOSS,
    RuleKind.UNHEALTHY,
)
ON_QUESTIONS = frozenset(RuleKind) - {RuleKind.STALE, RuleKind.CHANNEL, RuleKind.SOURCE}
ON_PROBABILITY = (RuleKind.THRESHOLD, RuleKind.LOSS)
_WITH_LINES = frozenset({RuleKind.THRESHOLD, RuleKind.CERTAINTY, RuleKind.CHANGE})
_WITH_ERRORS = _WITH_LINES | {RuleKind.LOSS}
_WITH_EPISODES = frozenset(RuleKind) - {RuleKind.RESOLVED}
# Which kinds a key goes with; the other keys go with all.
_KINDS_OF_KEY: dict[str, frozenset[RuleKind]] = {
    "questions": ON_QUESTIONS,
    "tags": ON_QUESTIONS,
    "units": ON_QUESTIONS | {RuleKind.STALE},
    "channels": frozenset({RuleKind.CHANNEL}),
    "sources": frozenset({RuleKind.SOURCE}),
    "when": frozenset({RuleKind.SOURCE}),
    "fire_at": _WITH_LINES,
    "clear_at": _WITH_ERRORS,
    "z": _WITH_ERRORS,
    "digest_on": _WITH_ERRORS,
    "dwell": _WITH_EPISODES,
    "repeat": _WITH_EPISODES,
    "level": frozenset({RuleKind.CERTAINTY}),
    "over": frozenset({RuleKind.CHANGE}),
    "direction": frozenset({RuleKind.CHANGE}),
    "cost": frozenset({RuleKind.LOSS}),
    "loss": frozenset({RuleKind.LOSS}),
    "within": frozenset({RuleKind.DEADLINE}),
    "after": frozenset({RuleKind.STALE, RuleKind.UNHEALTHY, RuleKind.CHANNEL, RuleKind.SOURCE}),
    "inhibited_by": ON_QUESTIONS,
}
_NEEDED = {
    RuleKind.THRESHOLD: ("fire_at",),
    RuleKind.CERTAINTY: ("level",),
    RuleKind.CHANGE: ("fire_at", "over"),
    RuleKind.LOSS: ("cost", "loss"),
    RuleKind.DEADLINE: ("within",),
    RuleKind.STALE: ("after",),
}
_CERTAIN, _DOUBTFUL = 0.9, 0.6
# Past the outermost quantiles that an estimate keeps, Pr(P > level) is not known, nor its error.
_MOST_CERTAIN = QUANTILE_LEVELS[-2]

Evaluations = Annotated[int, Field(ge=1, le=1000, strict=True)]
Dwell = Evaluations | PositiveDays | tuple[Evaluations, PositiveDays]
Amount = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Cause = Literal["time", "evidence", "credibility", "learning", "prior", "model", "montecarlo"]
Severity = Literal["info", "warning", "page"]


class Table(BaseModel):
    """A table of watch.toml: every key is known, and none changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class RuleTable(Table):
    """An alert rule: which questions it watches, what it compares, where it fires and clears.

    `fire_at` and `clear_at` are probabilities, and for `change` factors of the odds ("2x").
    `dwell` is evaluations in a row (2), a time ("6 hours") or both ([3, "6 hours"]), the same
    up and down or {up, down}.
    """

    id: Identifier
    kind: RuleKind = RuleKind.THRESHOLD
    questions: Patterns = ["*"]
    units: Patterns = ["*"]
    tags: Patterns = ["*"]
    channels: Patterns = ["*"]
    sources: Patterns = ["*"]
    when: Literal["silent", "broken", "either"] = "either"
    fire_at: str | float | None = None
    clear_at: str | float | None = None
    level: Probability | None = None
    over: str | None = None
    direction: Literal["up", "down", "either"] = "either"
    cost: Amount | None = None
    loss: Amount | None = None
    within: PositiveDays | None = None
    after: PositiveDays | None = None
    dwell: Dwell | dict[Literal["up", "down"], Dwell] | None = None
    z: float = Field(default=1.0, ge=0.0, le=10.0)
    severity: Severity = "warning"
    repeat: PositiveDays | None = None
    digest_on: list[Cause] = ["prior", "model"]
    inhibited_by: list[str] = []
    why: str = ""

    @field_validator("fire_at", "clear_at", mode="before")
    @classmethod
    def _line(cls, words: str | float, info: ValidationInfo) -> str | float:
        is_factor = info.data.get("kind") is RuleKind.CHANGE
        _ = parse_factor(str(words)) if is_factor else parse_percent(words)
        return words

    @field_validator("over")
    @classmethod
    def _over(cls, text: str | None) -> str | None:
        if text is not None and text != LAST_ALERT and parse_days(text) <= 0:
            raise ValueError(f"'{text}' must be more than 0")
        return text

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Self:
        given = self.model_fields_set
        for key, kinds in _KINDS_OF_KEY.items():
            if key in given and self.kind not in kinds:
                names = " or ".join(sorted(kinds))
                raise ValueError(f"{key} goes with kind = {names}, not with {self.kind}")
        for key in _NEEDED.get(self.kind, ()):
            if getattr(self, key) is None:
                raise ValueError(f"a rule of kind {self.kind} needs {key}")
        if self.over == LAST_ALERT and given & {"clear_at", "repeat"}:
            raise ValueError("a change since the last alert rings once: no clear_at, no repeat")
        self._check_numbers()
        return self

    def _check_numbers(self) -> None:
        if self.cost is not None and self.loss is not None and self.cost >= self.loss:
            raise ValueError("cost must be below loss, or it never pays to act")
        if self.level is not None and not 0.0 < self.level < 1.0:
            raise ValueError(f"level {self.level:g} must lie strictly between 0% and 100%")
        fire, clear = self._lines()
        if self.kind is RuleKind.CERTAINTY and not 0.0 < fire <= _MOST_CERTAIN:
            raise ValueError(f"fire_at of a certainty lies above 0% and up to {_MOST_CERTAIN:.1%}")
        if fire <= 0.0:
            raise ValueError("fire_at must be above 0, or it always fires")
        if clear >= fire:
            raise ValueError(f"clear_at {self.clear_at} must be below fire_at {self._fire_words()}")

    def _fire_words(self) -> str:
        return f"{self._lines()[0]:.4g}" if self.fire_at is None else str(self.fire_at)

    def rule(self) -> Rule:
        """The rule as a fact, its numbers on the scale that it is decided on.

        Without a `clear_at` a probability clears 5 points or two fifths below `fire_at`, a
        certainty at 60 %, and a change at the square root of its factor.
        """
        fire_at, clear_at = self._lines()
        (up, for_up), (down, for_down) = self._dwell("up"), self._dwell("down")
        return Rule(
            rule_id=self.id,
            fire_at=fire_at,
            clear_at=clear_at,
            dwell_up=up,
            dwell_down=down,
            z=self.z,
            severity=self.severity,
            kind=self.kind,
            for_up=for_up,
            for_down=for_down,
            level=self.level or 0.0,
            direction=self.direction,
            over=_span(self.over) if self.over not in (None, LAST_ALERT) else None,
            cost=self.cost or 0.0,
            loss=self.loss or 0.0,
            within=_span(self.within) or NO_TIME,
            after=_span(self.after),
            repeat=_span(self.repeat),
            digest_causes=tuple(self.digest_on),
            inhibited_by=tuple(self.inhibited_by),
            when=self.when,
        )

    def selector(self) -> Selector:
        """Which questions it watches."""
        return Selector(
            questions=tuple(self.questions), units=tuple(self.units), tags=tuple(self.tags)
        )

    def subjects(self) -> list[str]:
        """The patterns of what a rule watches that is not on questions."""
        if self.kind is RuleKind.SOURCE:
            return self.sources
        return self.channels if self.kind is RuleKind.CHANNEL else self.units

    def _lines(self) -> tuple[float, float]:
        if self.kind is RuleKind.CHANGE:
            fire = math.log(parse_factor(str(self.fire_at)))
            clear = (
                fire / 2 if self.clear_at is None else math.log(parse_factor(str(self.clear_at)))
            )
            return fire, clear
        if self.kind is RuleKind.LOSS:
            fire = (self.cost or 0.0) / (self.loss or 1.0)
        elif self.kind is RuleKind.CERTAINTY:
            fire = _CERTAIN if self.fire_at is None else parse_percent(self.fire_at)
        elif self.kind is RuleKind.THRESHOLD:
            fire = parse_percent(self.fire_at or 0.0)
        else:
            return 1.0, 0.0
        if self.clear_at is not None:
            return fire, parse_percent(self.clear_at)
        if self.kind is RuleKind.CERTAINTY and fire > _DOUBTFUL:
            return fire, _DOUBTFUL
        return fire, clear_line(fire)

    def _dwell(self, way: Literal["up", "down"]) -> tuple[int, timedelta]:
        """Evaluations and time; a time alone takes two evaluations, which begin and end it."""
        dwell = self.dwell.get(way) if isinstance(self.dwell, dict) else self.dwell
        if dwell is None:
            return (2 if self.kind in READ_TWICE else 1), NO_TIME
        if isinstance(dwell, int):
            return dwell, NO_TIME
        count, span = (2, dwell) if isinstance(dwell, str) else dwell
        return count, timedelta(days=parse_days(span))


# Where a watch has no rule of their kinds, these hold.
BUILT_IN = (
    RuleTable(id="model-unhealthy", kind=RuleKind.UNHEALTHY),
    RuleTable(id="channel-unhealthy", kind=RuleKind.CHANNEL, after="15 minutes"),
    RuleTable(id="source-unhealthy", kind=RuleKind.SOURCE, after="1 hour"),
)


def alert_rules(tables: Sequence[RuleTable]) -> list[RuleTable]:
    """The rules of a watch, with those that it would miss."""
    kinds = {table.kind for table in tables}
    taken = {table.id for table in tables}
    return [*tables, *(b for b in BUILT_IN if b.kind not in kinds and b.id not in taken)]


class ChannelTable(Table):
    """Where alerts go.

    `url` and `secret` are references; `allow` lists private networks that may be dialled;
    `options` are words of its kind. What would be more than a few messages at once is gathered
    into one every `group_interval`, unless `grouped` is false. `digest` is the time of day, in
    `timezone`, at which what does not ring is told.
    """

    id: Identifier
    kind: str
    url: SecretReference | None = None
    secret: SecretReference | None = None
    allow: list[str] = []
    options: dict[str, str] = {}
    grouped: bool | None = None
    group_interval: Days = "20 seconds"
    digest: ClockTime = "07:00"
    timezone: ZoneName = "UTC"

    @field_validator("allow")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        return _checked_networks(value)


class Subscription(Table):
    """Which rules on which questions ring on a channel. Patterns as in a shell."""

    channel: str
    rules: Patterns = ["*"]
    questions: Patterns = ["*"]
    units: Patterns = ["*"]
    tags: Patterns = ["*"]
    severities: Patterns = ["*"]

    def selector(self) -> Selector:
        """What rings."""
        return Selector(
            tuple(self.rules),
            tuple(self.questions),
            tuple(self.units),
            tuple(self.tags),
            tuple(self.severities),
        )


class Quiet(Table):
    """Quiet hours, every day or on some, or one maintenance window: what fits waits for its end.

    Hours are `from` a time of day `to` another, past midnight too, on the wall clock of
    `timezone`; `days` are those on which they begin. A window has `starts` and `ends` instead.
    Pages ring through, unless `severities` names them.
    """

    id: Identifier
    from_: ClockTime | None = Field(default=None, alias="from")
    to: ClockTime | None = None
    days: list[Weekday] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    timezone: ZoneName = "UTC"
    starts: datetime | None = None
    ends: datetime | None = None
    channels: Patterns = ["*"]
    rules: Patterns = ["*"]
    questions: Patterns = ["*"]
    units: Patterns = ["*"]
    tags: Patterns = ["*"]
    severities: Patterns = ["info", "warning"]
    why: str = ""

    @field_validator("starts", "ends", mode="before")
    @classmethod
    def _instant(cls, value: object) -> datetime:
        return utc_instant(value)

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        hours, window = (self.from_, self.to), (self.starts, self.ends)
        if hours == (None, None) and None not in window:
            if self.starts >= self.ends:  # type: ignore[operator]
                raise ValueError("ends must be after starts")
        elif None in hours or window != (None, None):
            raise ValueError("needs from and to, or starts and ends")
        elif self.from_ == self.to:
            raise ValueError("from and to are the same time of day")
        return self

    def selector(self) -> Selector:
        """What waits."""
        return Selector(
            tuple(self.rules),
            tuple(self.questions),
            tuple(self.units),
            tuple(self.tags),
            tuple(self.severities),
        )


class Heartbeat(Table):
    """A URL that is called while all is well, so that its owner notices when it no longer is."""

    url: SecretReference
    every: PositiveDays = "5 minutes"
    allow: list[str] = []

    @field_validator("allow")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        return _checked_networks(value)


def _span(text: str | None) -> timedelta | None:
    return None if text is None else timedelta(days=parse_days(text))


def _checked_networks(texts: list[str]) -> list[str]:
    from ipaddress import ip_network

    for text in texts:
        try:
            ip_network(text)
        except ValueError:
            raise ValueError(f"'{text}' is not a network such as 10.0.0.0/8") from None
    return texts
