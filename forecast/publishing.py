"""The publish gate: a forecast that did not beat its baselines is published as the baseline. Pure.

The rule reads the newest stored walk of a reference class (one definition over its units, every
forecast made from what was known then) and asks for the mean log loss in nats:

    gain of a baseline   its mean log loss less the model's, on the same forecasts
    published            the model where its least gain is above 0, else the baseline of that gain

The point gain decides, not its interval: what is published is a choice between two numbers, and
with no reason to prefer either the one that lost less so far is the better bet. Where the
interval reaches below 0 the words say that chance would do as well. The best of several baselines
is chosen with hindsight, which leans a little against the model: the burden of proof is its own.
Log loss and not Brier, because Brier hides how rare events fail. Below `min_forecasts` scored, or
with fewer than `FEWEST_EVENTS` yes or no, nothing is proven either way: the model stands, and the
words say that it has no record.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from forecast.scoring.results import Gain, Scores, Skill

Gate = Literal["off", "baseline"]
Reference = Literal["pooled", "unit", "recency", "history", "logistic", "persistence", "base-rate"]

# what was seen last time is held against a model, but is poor as a forecast to publish
AGAINST: tuple[Reference, ...] = ("pooled", "unit", "recency", "history", "logistic", "base-rate")

MODEL = "model"
FEWEST_EVENTS = 5  # and non-events: with fewer, one more or less would turn the gain around


@dataclass(frozen=True, slots=True)
class PublishRule:
    """What must be beaten, on how many forecasts; the table `[publish]` of watch.toml."""

    gate: Gate = "baseline"
    min_forecasts: int = 100
    against: tuple[str, ...] = AGAINST


@dataclass(frozen=True, slots=True)
class Published:
    """`what` is "model" or the name of the baseline that it did not beat; `words` say why."""

    what: str
    words: str

    @property
    def is_model(self) -> bool:
        """Whether the model's own number is published."""
        return self.what == MODEL


BY_DEFAULT = PublishRule()


def publish(
    skill: Mapping[str, Skill],
    scores: Scores,
    baselines: Mapping[str, Scores],
    rule: PublishRule = BY_DEFAULT,
) -> Published:
    """What a class's record lets be published; `skill` and `baselines` are by baseline."""
    if rule.gate == "off":
        return Published(MODEL, "the publish gate is off")
    if short := _too_short(scores, rule):
        return Published(MODEL, f"published unproven: {short}")
    scored = [name for name in rule.against if name in skill and name in baselines]
    if not scored:
        words = f"published unproven: none of {_listed(rule.against)} was scored beside the model"
        return Published(MODEL, words)
    best = min(scored, key=lambda name: _gain(skill[name].log_loss))
    words = _words(skill[best].log_loss, scores, best, baselines[best].log_loss)
    return Published(MODEL if _gain(skill[best].log_loss) > 0.0 else best, words)


def _too_short(scores: Scores, rule: PublishRule) -> str:
    """Why the record proves nothing; empty where it may."""
    if scores.n < rule.min_forecasts:
        return f"{scores.n} forecasts were scored, and the gate asks for {rule.min_forecasts}"
    for number, which in ((scores.events, "yes"), (scores.n - scores.events, "no")):
        if number < FEWEST_EVENTS:
            return f"of {scores.n} forecasts {number} came out {which}, too few to tell"
    return ""


def _gain(gain: Gain) -> float:
    """The point gain; one that is no number (both infinitely wrong) is none."""
    return -math.inf if math.isnan(gain.value) else gain.value


def _words(gain: Gain, scores: Scores, best: str, loss: float) -> str:
    """The sentence; numbers to four places, as gains of a thousandth of a nat count."""
    record = f"walk-forward over {scores.n} forecasts with {scores.events} events its log loss is"
    if not _gain(gain) > 0.0:
        return (
            f"published as the baseline '{best}', which the model does not beat: {record} "
            f"{scores.log_loss:.4f}, the baseline's {loss:.4f}"
        )
    sure = gain.lower is not None and gain.lower > 0.0
    chance = "" if sure else ", though by no more than chance would give"
    return (
        f"the model beats '{best}', the best that it is held against{chance}: {record} "
        f"{scores.log_loss:.4f}, the baseline's {loss:.4f}"
    )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "no baseline"
