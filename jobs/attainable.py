"""Where a belief cannot be, or is not said as one: the nearest one that can."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from forecast.config import Config
from forecast.errors import ConfigError
from forecast.words import DAYS_IN, Range, parse_rate, parse_share
from models.priors.elicit import beta_share, log_normal
from models.priors.say import digits, rate_words, share_words

APART = 0.05  # of the logs of a base rate and its ceiling, where they were the wrong way round
WIDER = 1.25  # times the logit range of a share, tried one after the other
TRIES = 60
SURE, MOST = 99.0, 99.0  # percent, in the place of what is certain
MOST_FACTOR, LONGEST = 1000.0, "100 years"
_ENDS = re.compile(
    r"(?P<before>one in\s+)?(?P<low>\d+(?:\.\d+)?)\s*(?:%|x)?"
    r"(?:\s*(?:\.\.|-|–|to)\s*(?P<high>\d+(?:\.\d+)?))?\s*(?P<sign>%|x)?"
    r"(?P<after>[^,]*)(?:,\s*(?P<sure>\d+(?:\.\d+)?)\s*%\s*sure\s*)?"
)


def nearest(config: Config, root: str, key: str, words: str) -> str:
    """`; the nearest that can be is '...'`, or "" where nothing near is known."""
    try:
        found = _nearest(config, root, key, words)
    except (ValueError, ConfigError):
        return ""
    return f"; the nearest that can be is '{found}'" if found else ""


def nearest_said(key: str, words: str, parse: Callable[[str], Range]) -> str:
    """The same for words that say no belief, by the kind of it that `key` is."""
    match = _ENDS.fullmatch(words.strip())
    for text in _nearby(key, match) if match else ():
        try:
            parse(text)
        except ValueError:
            continue
        return f"; the nearest that can be is '{text}'"
    return ""


def _nearby(key: str, said: re.Match[str]) -> Iterator[str]:
    """The ends put in order, inside what is possible, and with what they lack."""
    low = float(said["low"])
    high = float(said["high"] or low)
    after, sure = said["after"].strip(), _sure(said["sure"])
    low, high = min(low, high), max(low, high)
    if key.startswith("half_life."):
        unit, low = after or "days", low or min(1.0, high / 10 or 1.0)
        yield f"{_span(low, high)} {unit}{sure}" if low < high else f"{digits(low)} {unit}"
        yield LONGEST
    elif said["before"]:
        yield f"one in {_span(*_apart(low, high))} {after or 'years'}{sure}"
    elif key.startswith("effects.") or key == "unit_spread":
        least, most = _apart(low, min(high, MOST_FACTOR))
        yield f"{digits(least)}x..{digits(most)}x{sure}"
    else:
        period = "" if key.endswith("share") else f" {after or 'per quarter'}"
        yield from _as_wait(low, high, period, sure)
        least, most = _apart(low, high)
        yield f"{digits(least)}%..{digits(min(most, MOST))}%{period}{sure}"


def _as_wait(low: float, high: float, period: str, sure: str) -> Iterator[str]:
    """More than a hundred percent of a period as a waiting time: so many events in each."""
    unit = period.split()[-1].removesuffix("s") if period else ""
    if low > 100 and unit in DAYS_IN:
        days = DAYS_IN[unit] * 100
        yield f"one in {_span(*_apart(days / high, days / low))} days{sure}"


def _apart(low: float, high: float) -> tuple[float, float]:
    """A single number as half to double of it, and a tenth of the upper end in nothing's place."""
    return (low or high / 10, high) if low < high else (low / 2, high * 2)


def _span(low: float, high: float) -> str:
    return f"{digits(low)}..{digits(high)}"


def _sure(said: str | None) -> str:
    if said is None:
        return ""
    sure = float(said)
    return f", {digits(min(sure, SURE) if sure >= 1 else 90)}% sure"


def _nearest(config: Config, root: str, key: str, words: str) -> str:
    table = config.definitions[root]
    if key == "ceiling" and table.base_rate:
        return _beyond(words, table.base_rate, APART)
    if key == "base_rate" and table.ceiling:
        return _beyond(words, table.ceiling, -APART)
    if key.endswith(".share"):
        return _wider(parse_share(words))
    if key == "unit_spread":
        return "1.05x..1.5x"
    return ""


def _beyond(words: str, other: str, by: float) -> str:
    """The rate with its spread, moved just beyond the other."""
    mine, theirs = log_normal(parse_rate(words)), log_normal(parse_rate(other))
    if math.copysign(1.0, by) * (mine.mean - theirs.mean) > 0:
        return ""
    return rate_words(replace(mine, mean=theirs.mean + by))


def _wider(stated: Range) -> str:
    """The narrowest share around the same middle that a Beta has, of those that are tried."""
    low, high = (math.log(p / (1 - p)) for p in (stated.low, stated.high))
    middle, half = (low + high) / 2, max((high - low) / 2, 1e-6)
    for step in range(TRIES):
        ends = [middle + sign * half * WIDER**step for sign in (-1, 1)]
        p = [1 / (1 + math.exp(-x)) for x in ends]
        try:
            text = share_words(beta_share(Range(p[0], p[1], stated.mass)))
            parse_share(text)
        except (ConfigError, ValueError):  # three digits may not tell the ends apart
            continue
        return text if step else ""
    return ""
