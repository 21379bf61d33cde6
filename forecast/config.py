"""watch.toml: one desk's set-up, read strictly.

Every key is checked; an unknown one, a wrong type or a contradiction is one line with the
path of the key. Nothing secret stands in the file: secrets are `env:NAME` or `file:PATH`.
"""

import fnmatch
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from forecast.alert import Rule, RuleKind, Selector, Target
from forecast.alert_tables import (
    ON_PROBABILITY,
    ON_QUESTIONS,
    ChannelTable,
    Heartbeat,
    Quiet,
    RuleTable,
    Subscription,
    Table,
    alert_rules,
)
from forecast.compute_table import Compute
from forecast.digest_table import Digest, check_channels
from forecast.fields import (
    Days,
    HalfLife,
    Patterns,
    PositiveDays,
    Probability,
    Rate,
    Ratio,
    Share,
    check_store,
    utc_instant,
)
from forecast.incidents import IncidentRule
from forecast.names import did_you_mean, matches
from forecast.once import once
from forecast.panel_table import PanelTable
from forecast.pool_table import POOL, PoolTable
from forecast.publishing import AGAINST, BY_DEFAULT, Gate, PublishRule, Reference
from forecast.question import Question
from forecast.retention_table import RetentionTable
from forecast.schedule_table import Schedule, Updates
from forecast.selecting import fits
from forecast.source_table import SourceTable
from forecast.tagging_table import TaggingTable
from forecast.web_table import Web
from forecast.words import parse_days

DEFAULT_STORE = "tocsin.db"
KIND_OF_KEY = {"reference": "level", "per": "level", "stale_after": "level", "lead": "scheduled"}
MOST_COUPLED = 3  # units a definition; every combination of them is a setting to be summed over


class Indicator(Table):
    """A tag: what it means, what a fresh ordinary incident does to the hazard, how it fades.

    Tags of one `group` are signs of one thing and count with diminishing returns. An
    `incident` fades from when it happened. A `level` (a price, a wind speed) holds its last
    value until it is `stale_after`; its effect is that of one step of `per` above
    `reference`. A `scheduled` thing (an election) is known before it happens, and is felt
    ahead of its date too, by half for every `lead` that is left.
    """

    meaning: str = ""
    effect: Ratio
    half_life: HalfLife
    group: str | None = None
    kind: Literal["incident", "level", "scheduled"] = "incident"
    reference: float = 0.0
    per: float = Field(default=1.0, gt=0.0, allow_inf_nan=False)
    stale_after: PositiveDays | None = None
    lead: PositiveDays | None = None
    why: str = ""

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Self:
        given = self.model_fields_set
        for key, kind in KIND_OF_KEY.items():
            if key in given and self.kind != kind:
                raise ValueError(f"{key} goes with kind = '{kind}'")
        return self


class Coupled(Table):
    """Another unit that may bear on this definition: which of its tags, how, how probably."""

    indicators: Patterns
    effect: Ratio
    half_life: PositiveDays
    probability: Probability
    why: str = ""

    @model_validator(mode="after")
    def _is_open(self) -> Self:
        if not 0.0 < self.probability < 1.0:
            raise ValueError(
                f"probability {self.probability:g} leaves nothing to learn; "
                "write one strictly between 0% and 100%"
            )
        return self


class Learns(Table):
    """From which units a class is learnt, how often, for forecasts of which length, and how."""

    units: Patterns
    horizon: PositiveDays = "30 days"
    every: PositiveDays = "7 days"
    settings: PanelTable | None = None


class Definition(Table):
    """A kind of event, and what is believed of it before the evidence.

    Either it stands by itself (`base_rate`, and for `hazard` the tags it listens to and the
    `ceiling` when everything points to it), or it lies `within` a wider definition, of whose
    events it takes a `share`, or the `rest_of` what another narrower one leaves. `grace` is how
    long after a deadline an event may become known and still count; one that becomes known
    later corrects the no, or with `late_events` leaves it to stand.
    """

    title: str = ""
    model: str = "hazard"
    base_rate: Rate | None = None
    ceiling: Rate | None = None
    unit_spread: Ratio = "1.5x..3x"
    indicators: list[str] = []
    effects: dict[str, Ratio] = {}
    half_lives: dict[str, HalfLife] = {}
    coupled: dict[str, Coupled] = {}
    learns: Learns | None = None
    pool: PoolTable | None = None
    recurrent: bool = False
    observed_since: datetime | None = None
    within: str | None = None
    share: Share | None = None
    rest_of: str | None = None
    grace: Days = "0 days"
    late_events: Literal["correct", "stand"] = "correct"
    why: str = ""

    @field_validator("observed_since", mode="before")
    @classmethod
    def _instant(cls, value: object) -> datetime:
        return utc_instant(value)

    def families(self) -> list[str]:
        """The families of models that answer: its own, or those that are pooled."""
        return (self.pool or PoolTable()).families if self.model == POOL else [self.model]

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.pool is not None and self.model != POOL:
            raise ValueError(f"the table pool goes with model = '{POOL}'")
        if self.within is None:
            if self.base_rate is None:
                raise ValueError("needs a base_rate, or the wider definition it lies within")
            if self.share or self.rest_of:
                raise ValueError("share and rest_of go with within")
        elif any((self.base_rate, self.ceiling, self.indicators, self.coupled)) or any(
            (self.effects, self.half_lives)
        ):
            raise ValueError(
                f"lies within '{self.within}', which brings its base_rate, ceiling and indicators"
            )
        elif "late_events" in self.model_fields_set:
            raise ValueError(f"lies within '{self.within}', which says what late_events do")
        elif (self.share is None) == (self.rest_of is None):
            raise ValueError("needs a share of the wider definition, or rest_of (one of the two)")
        return self


class WatchTable(Table):
    """The desk itself.

    `ordinary_value` is the `value` of a report of the ordinary kind, the one that the effects
    of indicators speak of: with 0.5, a report of 1.0 counts as two.
    """

    title: str
    ordinary_value: float = Field(default=1.0, gt=0.0, le=1.0)
    store: Annotated[str, AfterValidator(check_store)] = DEFAULT_STORE
    link: str = ""
    caveats: list[str] = []
    seed: int = Field(default=1, ge=0, lt=2**32)


class Unit(Table):
    """What is at risk: a dyad, a country, an employer, a storm."""

    title: str


class IncidentTable(Table):
    """How reports that state no incident are gathered into some; see `forecast.incidents`."""

    window: PositiveDays = "24 hours"
    similarity: float = Field(default=0.0, ge=0.0, le=1.0)

    @field_validator("window")
    @classmethod
    def _at_least_a_minute(cls, value: str) -> str:
        if timedelta(days=parse_days(value)) < timedelta(minutes=1):
            raise ValueError(f"'{value}' is less than a minute")
        return value

    def rule(self) -> IncidentRule:
        """The rule that the store gathers by."""
        return IncidentRule(timedelta(days=parse_days(self.window)), self.similarity)


class PublishTable(Table):
    """When a forecast is published as a baseline instead; see `forecast.publishing`."""

    gate: Gate = BY_DEFAULT.gate
    min_forecasts: int = Field(default=BY_DEFAULT.min_forecasts, ge=1)
    against: list[Reference] = Field(default=list(AGAINST), min_length=1)

    def rule(self) -> PublishRule:
        """The rule that decides."""
        return PublishRule(self.gate, self.min_forecasts, tuple(self.against))


class Config(Table):
    """The whole of watch.toml."""

    watch: WatchTable
    compute: Compute = Compute()
    units: dict[str, Unit] = {}
    incidents: IncidentTable = IncidentTable()
    indicators: dict[str, Indicator] = {}
    definitions: dict[str, Definition] = {}
    rules: list[RuleTable] = []
    channels: list[ChannelTable] = []
    subscriptions: list[Subscription] = []
    schedules: list[Schedule] = []
    digests: list[Digest] = []
    sources: list[SourceTable] = []
    tagging: TaggingTable | None = None
    updates: Updates = Updates()
    quiet: list[Quiet] = []
    heartbeat: Heartbeat | None = None
    publish: PublishTable = PublishTable()
    retention: RetentionTable = RetentionTable()
    web: Web = Web()
    _tags: dict[str, tuple[str, ...]] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        for kind in ("rules", "channels", "schedules", "digests", "sources", "quiet"):
            _no_twins(kind, [table.id for table in getattr(self, kind)])
        check_channels(self.digests, self.channels)
        for number, subscription in enumerate(self.subscriptions):
            if subscription.channel not in {channel.id for channel in self.channels}:
                raise ValueError(
                    f"subscriptions.{number}.channel: no channel '{subscription.channel}'"
                    + did_you_mean(subscription.channel, [c.id for c in self.channels])
                )
        for name, definition in self.definitions.items():
            self._check_definition(name, definition)
        return self

    def _check_definition(self, name: str, definition: Definition) -> None:
        place = f"definitions.{name}"
        for pattern in definition.indicators:
            if not fnmatch.filter(self.indicators, pattern):
                raise ValueError(
                    f"{place}.indicators: no indicator matches '{pattern}'"
                    + did_you_mean(pattern, self.indicators)
                )
        for key in ("effects", "half_lives"):
            for tag in getattr(definition, key):
                if tag not in self.tags_of(name):
                    raise ValueError(
                        f"{place}.{key}: '{tag}' is not among its indicators"
                        + did_you_mean(tag, self.tags_of(name))
                    )
        if definition.coupled and "hazard" not in definition.families():
            raise ValueError(f"{place}.coupled: only the family 'hazard' listens to other units")
        if len(definition.coupled) > MOST_COUPLED:
            raise ValueError(f"{place}.coupled: more than {MOST_COUPLED} units")
        for unit, coupled in definition.coupled.items():
            if unit not in self.units:
                raise ValueError(
                    f"{place}.coupled.{unit}: no such unit among [units]"
                    + did_you_mean(unit, self.units)
                )
            for pattern in coupled.indicators:
                if not fnmatch.filter(self.indicators, pattern):
                    raise ValueError(
                        f"{place}.coupled.{unit}.indicators: no indicator matches '{pattern}'"
                        + did_you_mean(pattern, self.indicators)
                    )
        self._check_nesting(name, definition, place)

    def _check_nesting(self, name: str, definition: Definition, place: str) -> None:
        for key in ("within", "rest_of"):
            other = getattr(definition, key)
            if other is not None and other not in self.definitions:
                raise ValueError(
                    f"{place}.{key}: no definition '{other}'"
                    + did_you_mean(other, self.definitions)
                )
        if definition.rest_of is not None:
            sibling = self.definitions[definition.rest_of]
            if sibling.within != definition.within or sibling.share is None:
                raise ValueError(
                    f"{place}.rest_of: '{definition.rest_of}' is not a share of "
                    f"'{definition.within}'"
                )
        seen = [name]
        while (wider := self.definitions[seen[-1]].within) is not None:
            if wider in seen:
                raise ValueError(f"{place}.within: definitions lie within each other in a ring")
            if wider not in self.definitions:
                return
            seen.append(wider)
        stands = self.definitions[seen[-1]].late_events == "stand"
        if stands and definition.within and _days(definition) > _days(self.definitions[seen[1]]):
            raise ValueError(f"{place}.grace: is longer than that of '{seen[1]}', whose no stands")

    def tags_of(self, definition: str) -> list[str]:
        """The tags a definition listens to, sorted."""
        patterns = self.definitions[definition].indicators
        return sorted(tag for tag in self.indicators if matches(tag, patterns))

    def root_of(self, definition: str) -> str:
        """The widest definition around this one: the one that has a model of its own."""
        while (wider := self.definitions[definition].within) is not None:
            definition = wider
        return definition

    def is_inside(self, definition: str, wider: str) -> bool:
        """Whether every event of a definition is one of `wider`; each is inside itself."""
        name: str | None = definition
        while name is not None and name in self.definitions:
            if name == wider:
                return True
            name = self.definitions[name].within
        return False

    def target(self, rule: Rule, question: Question) -> Target:
        """What the selectors of subscriptions, silences and windows are held against."""
        tags = self._tags_heard(question.definition)
        return Target(rule.rule_id, question.question_id, question.unit, tags, rule.severity)

    def rules_for(self, question: Question) -> list[Rule]:
        """The rules that watch a question, those on its unit or on channels aside."""
        watching = once(self, "watching", self._on_questions)
        return [rule for rule, of in watching if fits(of, self.target(rule, question))]

    def _on_questions(self) -> list[tuple[Rule, Selector]]:
        tables = [table for table in alert_rules(self.rules) if table.kind in ON_QUESTIONS]
        return [(table.rule(), table.selector()) for table in tables]

    def lines_for(self, question: Question) -> list[Rule]:
        """Those of them whose lines are probabilities."""
        return [rule for rule in self.rules_for(question) if rule.kind in ON_PROBABILITY]

    def rules_of(self, kind: RuleKind, subject: str) -> list[Rule]:
        """The rules of a kind that watch a unit (stale), a channel or a source."""
        return [
            table.rule()
            for table in alert_rules(self.rules)
            if table.kind is kind and matches(subject, table.subjects())
        ]

    def channels_for(self, target: Target) -> list[str]:
        """The ids of the channels that subscribed to a rule's alerts about a subject."""
        ids = [s.channel for s in self.subscriptions if fits(s.selector(), target)]
        return list(dict.fromkeys(ids))

    def _tags_heard(self, definition: str) -> tuple[str, ...]:
        """Remembered: it is asked for every rule on every question."""
        if definition not in self._tags:
            known = definition in self.definitions
            self._tags[definition] = tuple(self.tags_of(self.root_of(definition)) if known else ())
        return self._tags[definition]


def _days(definition: Definition) -> float:
    return parse_days(definition.grace)


def _no_twins(kind: str, ids: list[str]) -> None:
    for name in ids:
        if ids.count(name) > 1:
            raise ValueError(f"{kind}: two of them have the id '{name}'")
