"""The words in which analysts state beliefs, and the numbers they stand for.

Syntax, and how far a belief may go: what a range means for a prior is said in `models.priors`.

    rate      5%..20% per quarter, 90% sure      one in 8..30 years
    ratio     1.2x..3x, 90% sure                 0.4x..0.9x
    share     30%..75%, 90% sure
    duration  30 days      2 weeks      6 hours     90 seconds      30d, 2w, 6h
    factor    2x           1.5x
    percent   40%          0.4
"""

import math
import re
from dataclasses import dataclass

DAYS_IN = {
    "second": 1 / 86400,
    "minute": 1 / 1440,
    "hour": 1 / 24,
    "day": 1.0,
    "week": 7.0,
    "month": 365.25 / 12,
    "quarter": 365.25 / 4,
    "year": 365.25,
}
DEFAULT_MASS = 0.9
MOST_DAYS = 100 * DAYS_IN["year"]

# Beyond these a belief is a slip of the pen, and the arithmetic of a model overflows.
_RATES = (1 / (100_000 * DAYS_IN["year"]), 100.0)  # events a day
_RATIOS = (0.001, 1000.0)
_SURE_PERCENT = (1.0, 99.9)

_NUMBER = r"(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_TO = r"\s*(?:\.\.|-|–|to)\s*"
_UNIT = rf"({'|'.join(DAYS_IN)})s?"
_SURE = r"(?:\s*,\s*(\d+(?:\.\d+)?)\s*%\s*sure)?"
_RATE = re.compile(rf"{_NUMBER}\s*%?{_TO}{_NUMBER}\s*%\s*(?:per|a|an)\s+{_UNIT}{_SURE}")
_ONE_IN = re.compile(rf"one in\s+{_NUMBER}{_TO}{_NUMBER}\s+{_UNIT}{_SURE}")
_RATIO = re.compile(rf"{_NUMBER}\s*x?{_TO}{_NUMBER}\s*x{_SURE}")
_SHARE = re.compile(rf"{_NUMBER}\s*%?{_TO}{_NUMBER}\s*%{_SURE}")
_DURATION = re.compile(rf"{_NUMBER}\s*(?:{_UNIT}|([hdw]))")
_SHORT = {"h": "hour", "d": "day", "w": "week"}
_DURATIONS = re.compile(rf"{_NUMBER}\s*\.\.\s*{_NUMBER}\s*{_UNIT}{_SURE}")
_FACTOR = re.compile(rf"{_NUMBER}\s*x")
_PERCENT = re.compile(rf"{_NUMBER}\s*(%?)")


@dataclass(frozen=True, slots=True)
class Range:
    """A central interval: between `low` and `high` with probability `mass`.

    The unit of the bounds is said by the function that made it.
    """

    low: float
    high: float
    mass: float = DEFAULT_MASS


def parse_rate(text: str) -> Range:
    """A range of rates, in events a day.

    "p per period" is a probability of at least one event in the period, turned into a
    cumulative hazard -log(1-p); "one in a..b years" is a mean waiting time.

    >>> r = parse_rate("5%..20% per quarter, 90% sure")
    >>> round(r.low * 91.3125, 4), round(r.high * 91.3125, 4), r.mass
    (0.0513, 0.2231, 0.9)
    >>> r = parse_rate("one in 1..3 months")
    >>> round(1 / r.high, 2), round(1 / r.low, 2)
    (30.44, 91.31)
    """
    if match := _RATE.fullmatch(_said(text)):
        low, high, unit, sure = match.groups()
        slow, fast = (_hazard(float(p) / 100, text) / DAYS_IN[unit] for p in (low, high))
        return _rates(slow, fast, sure, text)
    if match := _ONE_IN.fullmatch(_said(text)):
        short, long, unit, sure = match.groups()
        days = [float(wait) * DAYS_IN[unit] for wait in (long, short)]
        if min(days) <= 0:
            raise ValueError(f"'{text}': a waiting time must be more than 0")
        slow, fast = (1 / wait for wait in days)
        return _rates(slow, fast, sure, text)
    raise ValueError(
        f"'{text}' is not a rate; write it like '5%..20% per quarter, 90% sure' "
        "or 'one in 8..30 years'"
    )


def parse_ratio(text: str) -> Range:
    """A range of hazard ratios, such as "1.2x..3x, 90% sure"."""
    match = _RATIO.fullmatch(_said(text))
    if not match:
        raise ValueError(f"'{text}' is not a range of factors; write it like '1.2x..3x, 90% sure'")
    low, high, sure = match.groups()
    if float(low) <= 0:
        raise ValueError(f"'{text}': a factor must be more than 0")
    ratio = _range(float(low), float(high), sure, text)
    return _bounded(ratio, _RATIOS, f"'{text}': a factor lies within 0.001x..1000x")


def parse_share(text: str) -> Range:
    """A range of shares of a whole, 0 to 1, such as "30%..75%, 90% sure"."""
    match = _SHARE.fullmatch(_said(text))
    if not match:
        raise ValueError(f"'{text}' is not a range of shares; write it like '30%..75%, 90% sure'")
    low, high, sure = match.groups()
    if float(low) <= 0 or float(high) >= 100:
        raise ValueError(f"'{text}': a share lies strictly between 0% and 100%")
    return _range(float(low) / 100, float(high) / 100, sure, text)


def parse_days(text: str) -> float:
    """A duration such as "30 days", in days; a hundred years at most.

    >>> parse_days("2 weeks"), parse_days("30d")
    (14.0, 30.0)
    """
    match = _DURATION.fullmatch(_said(text))
    if not match:
        raise ValueError(f"'{text}' is not a duration; write it like '30 days' or '2 weeks'")
    number, unit, short = match.groups()
    days = float(number) * DAYS_IN[unit or _SHORT[short]]
    if days > MOST_DAYS:
        raise ValueError(f"'{text}': a duration is at most 100 years")
    return days


def parse_factor(text: str) -> float:
    """A factor above one, such as "2x".

    >>> parse_factor("2x")
    2.0
    """
    match = _FACTOR.fullmatch(_said(text))
    if not match:
        raise ValueError(f"'{text}' is not a factor; write it like '2x'")
    factor = float(match[1])
    if not 1.0 < factor <= _RATIOS[1]:
        raise ValueError(f"'{text}': a factor of change lies above 1x and up to 1000x")
    return factor


def parse_half_life(text: str) -> Range:
    """A half-life in days, as it is known ("30 days") or as a range ("15..60 days, 90% sure").

    >>> parse_half_life("2..8 weeks").low, parse_half_life("30 days").high
    (14.0, 30.0)
    """
    match = _DURATIONS.fullmatch(_said(text))
    if not match:
        days = parse_days(text)
        if days <= 0:
            raise ValueError(f"'{text}' must be more than 0")
        return Range(days, days, DEFAULT_MASS)
    low, high, unit, sure = match.groups()
    longest = parse_days(f"{high} {unit}")
    if float(low) <= 0:
        raise ValueError(f"'{text}' must be more than 0")
    return _range(float(low) * DAYS_IN[unit], longest, sure, text)


def parse_percent(value: str | float) -> float:
    """A probability written as people write it: "40%", "0.4" or 0.4.

    >>> parse_percent("40%"), parse_percent(0.4)
    (0.4, 0.4)
    """
    if isinstance(value, str):
        match = _PERCENT.fullmatch(_said(value))
        if not match:
            raise ValueError(f"'{value}' is not a probability; write it like '40%' or 0.4")
        number, sign = match.groups()
        value = float(number) / 100 if sign else float(number)
    if isinstance(value, bool) or not 0.0 <= value <= 1.0:
        raise ValueError(f"{value} is not a probability from 0 to 1 (or 0% to 100%)")
    return float(value)


def _said(text: str) -> str:
    """The text with one blank for any that stand together: a pattern looks at each of them twice,
    and a megabyte of blanks would take it hours.
    """
    return " ".join(text.split())


def _hazard(p: float, text: str) -> float:
    if not 0.0 < p < 1.0:
        raise ValueError(f"'{text}': a probability lies strictly between 0% and 100%")
    return -math.log1p(-p)


def _rates(slow: float, fast: float, sure: str | None, text: str) -> Range:
    rate = _range(slow, fast, sure, text)
    words = f"'{text}': a rate lies within once in 100,000 years and 100 a day"
    return _bounded(rate, _RATES, words)


def _bounded(stated: Range, bounds: tuple[float, float], words: str) -> Range:
    """The range, if it lies within the bounds, and does so too when widened to 90 % sure."""
    from statistics import NormalDist

    least, most = bounds
    if not least <= stated.low < stated.high <= most:
        raise ValueError(words)
    if stated.mass < DEFAULT_MASS:
        z, z_wide = (NormalDist().inv_cdf((1 + mass) / 2) for mass in (stated.mass, DEFAULT_MASS))
        low, high = math.log(stated.low), math.log(stated.high)
        beyond = (high - low) / 2 * (z_wide / z - 1)
        if low - beyond < math.log(least) or high + beyond > math.log(most):
            raise ValueError(f"{words}, and the 90% interval that this implies does not")
    return stated


def _range(low: float, high: float, sure: str | None, text: str) -> Range:
    if sure and not _SURE_PERCENT[0] <= float(sure) <= _SURE_PERCENT[1]:
        raise ValueError(f"'{text}': how sure lies within 1%..99.9%")
    if not low < high:
        raise ValueError(f"'{text}': the lower end must be below the upper end")
    return Range(low, high, float(sure) / 100 if sure else DEFAULT_MASS)
