"""A prior as a person checks it: each belief in words and in numbers, and what they imply."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from forecast.belief import Numbers
from forecast.clock import parse_instant
from forecast.config import Config
from forecast.errors import ConfigError, UsageError
from forecast.names import did_you_mean
from forecast.prior import PriorVersion
from forecast.question import Snapshot
from forecast.words import parse_ratio
from jobs.app import App
from jobs.prior_ledger import words_of
from models.api import BAND, Task
from models.base_rate import SHARE_DRAWS, gamma_of
from models.priors.after import QUARTER, share_picture
from models.priors.beliefs import Beliefs, beliefs_of
from models.priors.elicit import Beta, Normal, log_normal
from models.priors.evidence import of_a_unit
from models.priors.learnt import spread_of
from models.shares import share_of

QUARTERS = 100
BINS, REACH = 20, 2.5  # of pictures, and the standard deviations to either side in them


@dataclass(frozen=True, slots=True)
class Belief:
    """One line of a prior; `numbers` is None for a share that is what others leave.

    `picture` is its density in even bins, up to a factor: of a share from 0 to 1, of rates and of
    factors on a log axis that all rates, or all factors, of the prior have in common.
    """

    key: str
    words: str
    numbers: Numbers | None
    picture: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Implied:
    """How many events 100 quarters with none of the signs would bring: the central 90 %."""

    definition: str
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class PriorView:
    """All that is believed of a root definition; `definition` is the one that was asked for.

    `axes` are the ends of the pictures: "rates" as a probability a quarter, and "factors".
    `version` is None, or is not `current`, where watch.toml was edited since the last update.
    """

    root: str
    definition: str
    model: str
    why: str
    beliefs: tuple[Belief, ...]
    groups: dict[str, str]
    implied: Implied
    axes: dict[str, tuple[float, float]]
    version: PriorVersion | None
    is_current: bool


def definition_named(app: App, name: str) -> str:
    """The definition of that name, or that of the question of that name."""
    definitions = app.config.definitions
    if name in definitions:
        return name
    asked = {question.question_id: question.definition for question in app.store.questions()}
    if name not in asked:
        hint = did_you_mean(name, [*definitions, *asked])
        raise UsageError(f"there is no question or definition '{name}'{hint}")
    if asked[name] not in definitions:
        raise ConfigError(f"question '{name}' asks for it, but it is not defined", at=asked[name])
    return asked[name]


def view_prior(app: App, definition: str) -> PriorView:
    """The prior of the root definition around `definition`; nothing is written."""
    config, root = app.config, app.config.root_of(definition)
    beliefs = beliefs_of(config, root)
    version = app.store.latest_prior(root)
    return PriorView(
        root=root,
        definition=definition,
        model=beliefs.model,
        why=config.definitions[definition].why,
        beliefs=tuple(beliefs_in(config, root)),
        groups={effect.tag: effect.group for effect in beliefs.effects if effect.group},
        implied=implied_events(beliefs, definition),
        axes=axes_of(config, beliefs),
        version=version,
        is_current=version is not None and version.words == words_of(config, root),
    )


def beliefs_in(config: Config, root: str) -> list[Belief]:
    """Every belief about a root definition and those inside it, in the order of the file."""
    beliefs = beliefs_of(config, root)
    numbers, pictures = _numbers(beliefs), _pictures(config, beliefs)
    return [
        Belief(key, words, numbers[key], pictures.get(key, ()))
        for key, words in words_of(config, root).items()
    ]


def _pictures(config: Config, beliefs: Beliefs) -> dict[str, tuple[float, ...]]:
    """The pictures by the keys of `words_of`; a half-life has none."""
    found = {}
    for normals in _on_one_axis(config, beliefs):
        low, high = axis_of(normals)
        step = (high - low) / BINS
        points = [low + (k + 0.5) * step for k in range(BINS)]
        for key, n in normals.items():
            found[key] = tuple(math.exp(-(((x - n.mean) / n.sd) ** 2) / 2) for x in points)
    for part in beliefs.narrower:
        if part.share is not None:
            found[f"{part.definition}.share"] = share_picture(part.share)
    return found


def _on_one_axis(config: Config, beliefs: Beliefs) -> tuple[dict[str, Normal], dict[str, Normal]]:
    """The logs of rates a day, and those of factors, by key."""
    rates = {"base_rate": beliefs.log_rate}
    if beliefs.log_ceiling is not None:
        rates["ceiling"] = beliefs.log_ceiling
    spread = parse_ratio(config.definitions[beliefs.definition].unit_spread)
    factors = {"unit_spread": log_normal(spread)}
    factors |= {f"effects.{effect.tag}": effect.log_ratio for effect in beliefs.effects}
    return rates, factors


def axis_of(normals: Mapping[str, Normal]) -> tuple[float, float]:
    """The ends of an axis on which all of them can be seen."""
    lows = [n.mean - REACH * n.sd for n in normals.values()]
    return min(lows), max(n.mean + REACH * n.sd for n in normals.values())


def axes_of(config: Config, beliefs: Beliefs) -> dict[str, tuple[float, float]]:
    """The ends of the pictures: "rates" as a probability a quarter, and "factors"."""
    rates, factors = map(axis_of, _on_one_axis(config, beliefs))
    a_quarter = [-math.expm1(-QUARTER * math.exp(end)) for end in rates]
    return {
        "rates": (a_quarter[0], a_quarter[1]),
        "factors": (math.exp(factors[0]), math.exp(factors[1])),
    }


def implied_events(beliefs: Beliefs, definition: str) -> Implied:
    """The central 90 % of the count N in 100 quarters at one unit.

    With a rate Gamma(a, b) and a share q of its events, N is negative binomial:
    P(N <= k) = I_x(a, k + 1) at x = b / (b + q days), averaged over q. For `hazard` the rate
    believed is that of a class, from which a unit lies as far as `unit_spread` says.
    """
    from scipy.special import betainc

    is_class = beliefs.model == "hazard"
    log_rate = of_a_unit(beliefs.log_rate, beliefs.log_shape) if is_class else beliefs.log_rate
    rate = gamma_of(log_rate)
    nothing_known = Snapshot("", parse_instant("2000-01-01"), (), (), ())
    share = share_of(Task(nothing_known, beliefs, (), seed=1), definition, SHARE_DRAWS)
    x = rate.rate / (rate.rate + share * QUARTERS * QUARTER)

    def chance_of_at_most(count: int) -> float:
        return float(betainc(rate.shape, count + 1, x).mean())

    lower, upper = (_quantile(chance_of_at_most, p) for p in BAND)
    return Implied(definition, lower, upper)


def _quantile(chance_of_at_most: Callable[[int], float], p: float) -> int:
    """The smallest count that is not exceeded with a probability of at least p."""
    low, high = -1, 1
    while chance_of_at_most(high) < p:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if chance_of_at_most(middle) >= p else (middle, high)
    return high


def _numbers(beliefs: Beliefs) -> dict[str, Numbers | None]:
    """The numbers by the keys of `words_of`."""
    found: dict[str, Numbers | None] = {
        "base_rate": _per_quarter(beliefs.log_rate),
        "unit_spread": Numbers("ratio", *map(math.exp, _spread(spread_of(beliefs.log_shape)))),
    }
    if beliefs.log_ceiling is not None:
        found["ceiling"] = _per_quarter(beliefs.log_ceiling)
    for part in beliefs.narrower:
        found[f"{part.definition}.rest_of"] = None
        if part.share is not None:
            found[f"{part.definition}.share"] = _share(part.share)
    for effect in beliefs.effects:
        found[f"effects.{effect.tag}"] = _ratio(effect.log_ratio)
        found[f"half_life.{effect.tag}"] = Numbers("days", *3 * (effect.half_life,))
    return found


def _per_quarter(log_rate: Normal) -> Numbers:
    return Numbers("per quarter", *(-math.expm1(-QUARTER * rate) for rate in _spread(log_rate)))


def _ratio(log_ratio: Normal) -> Numbers:
    return Numbers("ratio", *_spread(log_ratio))


def _spread(log: Normal) -> tuple[float, float, float]:
    median, lower, upper = (math.exp(log.quantile(p)) for p in (0.5, *BAND))
    return median, lower, upper


def _share(share: Beta) -> Numbers:
    from scipy.special import betaincinv

    return Numbers("share", *(float(betaincinv(share.a, share.b, p)) for p in (0.5, *BAND)))
