"""Where the words of a belief come from, when they are not stated: people, classes, the past."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from forecast.clock import DAY
from forecast.config import Config
from forecast.errors import UsageError
from forecast.names import did_you_mean, matches
from forecast.question import Question
from forecast.words import parse_days, parse_rate, parse_ratio, parse_share
from jobs.app import App
from models.api import Task
from models.priors.beliefs import Beliefs, beliefs_of
from models.priors.elicit import Normal, beta_share, log_normal
from models.priors.evidence import History, of_a_unit, rate_from
from models.priors.pooling import Pool, disagree, pooled_beta, pooled_normal
from models.priors.ratios import Converted, converted
from models.priors.say import digits, rate_words, ratio_words, share_words

_EVENTS = re.compile(r"(\d+(?:\.\d+)?)\s+in\s+(.+)")
MATERIAL = 1.05  # hazard and likelihood ratio apart by this factor: worth asking which is meant


@dataclass(frozen=True, slots=True)
class Proposal:
    """Words for a belief, and in words where they are from."""

    words: str
    notes: tuple[str, ...] = ()


# People


def from_experts(key: str, experts: Sequence[str], pool: Pool) -> Proposal:
    """One belief of several, each "RANGE" or "RANGE:WEIGHT"; rates are per quarter unless said."""
    stated = [_expert(text) for text in experts]
    weights = [weight for _, weight in stated]
    how = f"{counted(len(stated), 'range')} pooled, {pool}"
    try:
        if key.endswith(".share"):
            shares = [beta_share(parse_share(words)) for words, _ in stated]
            return Proposal(share_words(pooled_beta(shares, weights, pool)), (how,))
        if key.startswith("effects."):
            ratios = [log_normal(parse_ratio(words)) for words, _ in stated]
            found = ratio_words(pooled_normal(ratios, weights, pool))
            return Proposal(found, (how, *_disagreement(ratios)))
        if key in ("base_rate", "ceiling"):
            rates = [log_normal(parse_rate(_a_quarter(words))) for words, _ in stated]
            found = rate_words(pooled_normal(rates, weights, pool))
            return Proposal(found, (how, *_disagreement(rates)))
    except ValueError as error:
        raise UsageError(str(error), at="--expert") from None
    raise UsageError("several people's ranges are pooled for rates, effects and shares", at=key)


def _expert(text: str) -> tuple[str, float]:
    words, is_weighted, said = text.partition(":")
    try:
        weight = float(said) if is_weighted else 1.0
    except ValueError:
        weight = 0.0
    if not 0 < weight < math.inf:
        hint = f"'{words.strip()}:1'"
        raise UsageError(f"'{text}': a weight is more than 0, as in {hint}", at="--expert")
    return words.strip(), weight


def _a_quarter(words: str) -> str:
    """The words of a rate; of probabilities without a period, per quarter."""
    if re.search(r"\b(per|a|an|in)\b", words):
        return words
    share, comma, sure = words.partition(",")
    return f"{share.strip()} per quarter{comma}{sure}"


def _disagreement(beliefs: Sequence[Normal]) -> tuple[str, ...]:
    if not disagree(beliefs):
        return ()
    return ("their ranges have nothing in common: ask what each has seen that the other has not",)


# The past


def from_events(text: str, relevance: float) -> Proposal:
    """A base rate of "N in TIME", such as "3 in 12 years"."""
    match = _EVENTS.fullmatch(text.strip())
    if not match:
        raise UsageError(f"'{text}' is not like '3 in 12 years'", at="--from-events")
    try:
        events, days = float(match[1]), parse_days(match[2])
    except ValueError as error:
        raise UsageError(str(error), at="--from-events") from None
    if days <= 0:
        raise UsageError(f"'{text}': the time must be more than 0", at="--from-events")
    words = rate_words(rate_from(events, days, relevance))
    return Proposal(
        words, (f"{counted(events, 'event')} in {match[2]}{_worth(events, relevance)}",)
    )


def from_class(app: App, root: str, pattern: str, relevance: float, as_of: datetime) -> Proposal:
    """A base rate from the history of the units that fit a pattern, as known before `as_of`."""
    beliefs = beliefs_of(app.config, root)
    units = sorted(u for u in {*app.store.units(), *app.config.units} if matches(u, [pattern]))
    if not units:
        known = sorted({*app.store.units(), *app.config.units})
        hint = did_you_mean(pattern, known)
        raise UsageError(f"no unit fits '{pattern}'{hint}", at="--from-class")
    told = [h for unit in units if (h := history_of(app, beliefs, unit, as_of)).days > 0]
    events, days = sum(h.events for h in told), sum(h.days for h in told)
    if days <= 0:
        words = (
            f"nothing is known of the time at risk of {', '.join(units[:3])}: say observed_since"
        )
        raise UsageError(words, at="--from-class")
    rate = rate_from(events, days, relevance)
    notes = [
        f"{counted(len(told), 'unit')} had {counted(events, 'event')} in "
        f"{digits(days / 365.25)} years at risk"
        f"{_worth(events, relevance)}"
    ]
    if beliefs.model == "base-rate":
        rate = of_a_unit(rate, beliefs.log_shape)
        notes.append("widened by unit_spread, for the rate is of one unit and not of the class")
    inside = {d for d in app.config.definitions if app.config.root_of(d) == root}
    asked = {q.unit for q in app.store.questions() if q.definition in inside}
    if own := [h.unit for h in told if h.unit in asked]:
        notes.append(
            f"what happened at {', '.join(own[:3])}{' and others' * (len(own) > 3)} enters the "
            "estimates there already, and would count twice: a class is best made of others"
        )
    return Proposal(rate_words(rate), tuple(notes))


def history_of(app: App, beliefs: Beliefs, unit: str, as_of: datetime) -> History:
    """The events of a root definition at a unit, and the days at risk that its models count."""
    from models.track import lay_out

    probe = Question("-", "-", unit, beliefs.definition, as_of, as_of + DAY)
    rows = lay_out(Task(app.store.snapshot(probe, as_of), beliefs, (), seed=1)).rows
    return History(unit, float(rows.events.sum()), float(rows.exposure.sum()))


def counted(number: float, noun: str) -> str:
    """So many of something.

    >>> counted(1, "unit"), counted(1.5, "event"), counted(0, "event")
    ('1 unit', '1.5 events', '0 events')
    """
    return f"{digits(number)} {noun}{'s' * (number != 1)}"


def _worth(events: float, relevance: float) -> str:
    if relevance == 1.0:
        return ""
    return f", which count {digits(100 * relevance)} %: as {counted(relevance * events, 'event')}"


# A likelihood ratio


def reading_differs(config: Config, root: str, words: str, days: float) -> str:
    """How the words would differ as a likelihood ratio, where that matters; "" where not."""
    stated, log_rate = parse_ratio(words), beliefs_of(config, root).log_rate
    found = converted(stated, log_rate, days)
    plain = log_normal(stated)
    ends = [abs(found.log_ratio.quantile(q) - plain.quantile(q)) for q in (0.05, 0.95)]
    if max(ends) < math.log(MATERIAL):
        return ""
    return f"as a likelihood ratio it would be a hazard ratio of {ratio_words(found.log_ratio)}"


def from_likelihood_ratio(config: Config, root: str, words: str, days: float) -> Proposal:
    """An effect from a likelihood ratio about a window of so many days.

    UsageError where the base rate is too uncertain for one hazard ratio to be meant.
    """
    try:
        stated = parse_ratio(words)
    except ValueError as error:
        raise UsageError(str(error), at="effect") from None
    beliefs = beliefs_of(config, root)
    found = converted(stated, beliefs.log_rate, days)
    window = f"{digits(days)} days"
    proposal = ratio_words(found.log_ratio)
    if not found.is_one:
        raise UsageError(
            f"'{words}' as a likelihood ratio about {window} is no one hazard ratio: its far end "
            f"is {_ends(found)} over the range of the base rate; narrow the base rate, take a "
            f"shorter --within, or state the hazard ratio: the nearest is '{proposal}'"
        )
    return Proposal(
        proposal,
        (f"a likelihood ratio of {words} about {window}, at the median base rate",),
    )


def _ends(found: Converted) -> str:
    low, high = sorted((found.at_low, found.at_high))
    return f"{digits(low)}x to {digits(high)}x"
