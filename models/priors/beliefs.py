"""What a desk believes of one root definition, as numbers that models understand."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from functools import lru_cache

from forecast.config import Config, Definition
from forecast.errors import ConfigError
from forecast.words import parse_days, parse_rate, parse_ratio, parse_share
from models.priors.elicit import Beta, Normal, beta_share, log_normal


@dataclass(frozen=True, slots=True)
class Effect:
    """What a tag does: `log_ratio` of one fresh ordinary incident; half-life in days.

    Tags that share a `group` ("" for none) count with diminishing returns.
    """

    tag: str
    log_ratio: Normal
    half_life: float
    group: str


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
class Beliefs:
    """The prior of one root definition and of all definitions inside it.

    `log_rate` is of events a day with no evidence in sight; `log_ceiling` of events a day
    with everything pointing to it, or None for no ceiling; `log_shape` of the Gamma shape
    kappa that says how far a unit may lie from its class. `ordinary_value` is the value of a
    report that the effects speak of.
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

    def columns(self) -> tuple[Effect, ...]:
        """The effects as the columns of covariates, at least one."""
        return self.effects or (NO_EFFECT,)

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
    text = json.dumps(asdict(beliefs), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def beliefs_of(config: Config, definition: str) -> Beliefs:
    """The beliefs of the root definition around `definition`; ConfigError names the key."""
    root = config.root_of(definition)
    table = config.definitions[root]
    if table.base_rate is None:
        raise ConfigError("is missing", at=f"definitions.{root}.base_rate")
    return Beliefs(
        definition=root,
        model=table.model,
        log_rate=log_normal(parse_rate(table.base_rate)),
        log_ceiling=log_normal(parse_rate(table.ceiling)) if table.ceiling else None,
        log_shape=_log_shape(table),
        effects=tuple(_effect(config, table, tag) for tag in config.tags_of(root)),
        narrower=_narrower(config, root),
        recurrent=table.recurrent,
        observed_since=table.observed_since.isoformat() if table.observed_since else "",
        ordinary_value=config.watch.ordinary_value,
    )


def _effect(config: Config, table: Definition, tag: str) -> Effect:
    indicator = config.indicators[tag]
    words = table.effects.get(tag, indicator.effect)
    return Effect(
        tag, log_normal(parse_ratio(words)), parse_days(indicator.half_life), indicator.group or ""
    )


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
