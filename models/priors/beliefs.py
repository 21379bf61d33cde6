"""What a desk believes of one root definition, as numbers that models understand."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

from forecast.config import Config, Definition
from forecast.errors import ConfigError
from forecast.once import once
from forecast.panel_table import PanelTable
from forecast.pool_table import POOL, PoolTable
from forecast.words import (
    Range,
    parse_days,
    parse_half_life,
    parse_percent,
    parse_rate,
    parse_ratio,
    parse_share,
)
from models.priors.elicit import Beta, Normal, beta_share, log_normal


@dataclass(frozen=True, slots=True)
class Effect:
    """What a tag does: `log_ratio` of one fresh ordinary incident; half-life in days.

    Tags that share a `group` ("" for none) count with diminishing returns. The half-life may
    as well be `half_life_factor` times shorter or longer. An `incident` fades; a `level` counts
    by how many steps of `per` its last value is above `reference`, until it is `stale_after`
    days old, and then fades back; a `scheduled` thing is felt ahead of its date too, by half
    for every `lead` days that are left.
    """

    tag: str
    log_ratio: Normal
    half_life: float
    group: str
    half_life_factor: float = 1.0
    kind: str = "incident"
    reference: float = 0.0
    per: float = 1.0
    stale_after: float = math.inf
    lead: float = 0.0


@dataclass(frozen=True, slots=True)
class CoupledUnit:
    """Another unit that may bear on this track: the `tags` heard there are one more column.

    `probability` is the prior probability that it does; `log_ratio` what one fresh ordinary
    incident there then does, which fades with `half_life` days.
    """

    unit: str
    tags: tuple[str, ...]
    log_ratio: Normal
    half_life: float
    probability: float

    @property
    def column(self) -> str:
        """The name of its column, which no tag can have."""
        return f"{self.unit}: {', '.join(self.tags)}"


# Stands in where a definition listens to no tag: arrays want a column, and it is never fed.
NO_EFFECT = Effect("", Normal(0.0, 1.0), 1.0, "")


@dataclass(frozen=True, slots=True)
class Narrower:
    """A definition inside another: of its events it takes `share`, or what `rest_of` leaves."""

    definition: str
    within: str
    share: Beta | None
    rest_of: str | None


@dataclass(frozen=True, slots=True)
class Pooled:
    """Whose numbers the family `pool` stacks: `families`, and others' by their source.

    `crowd` are shell patterns, each of which makes one member of the sources that fit it; None
    makes every source a member. What was said more than `stale_after` days ago does not count.
    `weights` are (member, relative weight) before any record, 1 where not stated.
    """

    families: tuple[str, ...] = ("hazard", "regime")
    crowd: tuple[str, ...] | None = None
    stale_after: float = 30.0
    weights: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Beliefs:
    """The prior of one root definition and of all definitions inside it.

    `log_rate` is of events a day with no evidence in sight; `log_ceiling` of events a day
    with everything pointing to it, or None for no ceiling; `log_shape` of the Gamma shape
    kappa that says how far a unit may lie from its class. `ordinary_value` is the value of a
    report that the effects speak of. `horizon` in days is that of the windows from which a
    class of units is learnt, and `settings` how, where not as by default. `pool` is for the
    family `pool`.
    """

    definition: str
    model: str
    log_rate: Normal
    log_ceiling: Normal | None
    log_shape: Normal
    effects: tuple[Effect, ...]
    narrower: tuple[Narrower, ...]
    recurrent: bool
    observed_since: str
    ordinary_value: float
    couplings: tuple[CoupledUnit, ...] = ()
    horizon: float = 30.0
    pool: Pooled | None = None
    settings: PanelTable | None = None

    def columns(self) -> tuple[Effect, ...]:
        """The effects, then those of coupled units, as columns of covariates; at least one."""
        coupled = tuple(Effect(c.column, c.log_ratio, c.half_life, "") for c in self.couplings)
        return (*self.effects, *coupled) or (NO_EFFECT,)

    def definitions(self) -> tuple[str, ...]:
        """The root and everything inside it."""
        return (self.definition, *(n.definition for n in self.narrower))

    def includes(self, definition: str, other: str) -> bool:
        """Whether every event of `other` is one of `definition`."""
        parents = {n.definition: n.within for n in self.narrower}
        while other != definition:
            if other not in parents:
                return False
            other = parents[other]
        return True

    def digest(self) -> str:
        """SHA-256 of all the numbers."""
        return _digest(self)


@lru_cache(maxsize=64)
def _digest(beliefs: Beliefs) -> str:
    numbers = asdict(beliefs)
    for name in ("pool", "settings"):
        if getattr(beliefs, name) is None:
            del numbers[name]  # digests of what has none are as they were before there was one
    text = json.dumps(numbers, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def beliefs_of(config: Config, definition: str) -> Beliefs:
    """The beliefs of the root definition around `definition`; ConfigError names the key."""
    root = config.root_of(definition)
    return once(config, ("beliefs", root), lambda: _beliefs_of(config, root))


def _beliefs_of(config: Config, root: str) -> Beliefs:
    table = config.definitions[root]
    if table.base_rate is None:
        raise ConfigError("is missing", at=f"definitions.{root}.base_rate")
    log_rate = log_normal(parse_rate(table.base_rate))
    log_ceiling = log_normal(parse_rate(table.ceiling)) if table.ceiling else None
    if log_ceiling is not None and log_ceiling.mean <= log_rate.mean:
        words = f"'{table.ceiling}' does not lie above the base rate '{table.base_rate}'"
        raise ConfigError(words, at=f"definitions.{root}.ceiling")
    return Beliefs(
        definition=root,
        model=table.model,
        log_rate=log_rate,
        log_ceiling=log_ceiling,
        log_shape=_log_shape(table),
        effects=tuple(_effect(config, table, tag) for tag in config.tags_of(root)),
        narrower=_narrower(config, root),
        recurrent=table.recurrent,
        observed_since=table.observed_since.isoformat() if table.observed_since else "",
        ordinary_value=config.watch.ordinary_value,
        couplings=tuple(
            CoupledUnit(
                unit=unit,
                tags=tuple(coupling.indicators),
                log_ratio=log_normal(parse_ratio(coupling.effect)),
                half_life=parse_days(coupling.half_life),
                probability=parse_percent(coupling.probability),
            )
            for unit, coupling in sorted(table.coupled.items())
        ),
        horizon=parse_days(table.learns.horizon) if table.learns else 30.0,
        pool=_pooled(table.pool or PoolTable()) if table.model == POOL else None,
        settings=_how(table.learns.settings) if table.learns else None,
    )


def _how(table: PanelTable | None) -> PanelTable | None:
    """Without when it was chosen: that changes nothing."""
    return replace(table, chosen_until=None) if table else None


def _pooled(table: PoolTable) -> Pooled:
    patterns = table.crowd if isinstance(table.crowd, list) else []
    return Pooled(
        families=tuple(table.families),
        crowd=None if table.crowd is True else tuple(patterns),
        stale_after=parse_days(table.stale_after),
        weights=tuple(sorted(table.weights.items())),
    )


def _effect(config: Config, table: Definition, tag: str) -> Effect:
    indicator = config.indicators[tag]
    words = table.effects.get(tag, indicator.effect)
    half_life = parse_half_life(table.half_lives.get(tag, indicator.half_life))
    return Effect(
        tag,
        log_normal(parse_ratio(words)),
        math.sqrt(half_life.low * half_life.high),
        indicator.group or "",
        half_life_factor=_factor(half_life),
        kind=indicator.kind,
        reference=indicator.reference,
        per=indicator.per,
        stale_after=parse_days(indicator.stale_after) if indicator.stale_after else math.inf,
        lead=parse_days(indicator.lead) if indicator.lead else 0.0,
    )


def _factor(half_life: Range) -> float:
    """f so that H/f, H, H f with weights 1/4, 1/2, 1/4 spread as the log-normal of the range."""
    if half_life.low == half_life.high:
        return 1.0
    return math.exp(math.sqrt(2.0) * log_normal(half_life).sd)


def _log_shape(table: Definition) -> Normal:
    """kappa from "units differ by up to a factor f": its 95 % point is f times the median.

    The log of a Gamma(kappa) has a standard deviation of about 1/sqrt(kappa), so
    kappa = (1.645 / log f)^2; the larger factor is the smaller kappa.
    """
    words = parse_ratio(table.unit_spread)
    if words.low <= 1:
        raise ConfigError(
            f"'{table.unit_spread}': a spread is more than 1x", at="definitions.*.unit_spread"
        )
    normal = log_normal(words)
    low, high = ((1.645 / math.log(f)) ** 2 for f in (words.high, words.low))
    return Normal(
        (math.log(low) + math.log(high)) / 2,
        (math.log(high) - math.log(low)) / (math.log(words.high) - math.log(words.low)) * normal.sd,
    )


def _narrower(config: Config, root: str) -> tuple[Narrower, ...]:
    """Definitions inside the root, each after those that it is inside of or the rest of."""
    found: dict[str, Narrower] = {}
    waiting = {
        name: table
        for name, table in sorted(config.definitions.items())
        if name != root and config.root_of(name) == root
    }
    while waiting:
        for name, table in list(waiting.items()):
            known = {root, *found}
            if table.within in known and (table.rest_of is None or table.rest_of in known):
                share = beta_share(parse_share(table.share)) if table.share else None
                found[name] = Narrower(name, str(table.within), share, table.rest_of)
                del waiting[name]
    return tuple(found.values())
