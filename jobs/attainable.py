"""Where a belief cannot be: the nearest one that can."""

import math
from dataclasses import replace

from forecast.config import Config
from forecast.errors import ConfigError
from forecast.words import Range, parse_rate, parse_share
from models.priors.elicit import beta_share, log_normal
from models.priors.say import rate_words, share_words

APART = 0.05  # of the logs of a base rate and its ceiling, where they were the wrong way round
WIDER = 1.25  # times the logit range of a share, tried one after the other
TRIES = 60


def nearest(config: Config, root: str, key: str, words: str) -> str:
    """`; the nearest that can be is '...'`, or "" where nothing near is known."""
    try:
        found = _nearest(config, root, key, words)
    except (ValueError, ConfigError):
        return ""
    return f"; the nearest that can be is '{found}'" if found else ""


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
