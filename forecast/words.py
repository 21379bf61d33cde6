"""The words in which analysts state beliefs, and the numbers they stand for.

Syntax only: what a range means for a prior is said in `models.priors`.

    rate      5%..20% per quarter, 90% sure      one in 8..30 years
    ratio     1.2x..3x, 90% sure                 0.4x..0.9x
    share     30%..75%, 90% sure
    duration  30 days      2 weeks      6 hours
    percent   40%          0.4
"""

import math
import re
from dataclasses import dataclass

DAYS_IN = {
    "hour": 1 / 24,
    "day": 1.0,
    "week": 7.0,
    "month": 365.25 / 12,
    "quarter": 365.25 / 4,
    "year": 365.25,
}
DEFAULT_MASS = 0.9

_NUMBER = r"(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_TO = r"\s*(?:\.\.|-|–|to)\s*"
_UNIT = rf"({'|'.join(DAYS_IN)})s?"
_SURE = r"(?:\s*,\s*(\d+(?:\.\d+)?)\s*%\s*sure)?"
_RATE = re.compile(rf"{_NUMBER}\s*%?{_TO}{_NUMBER}\s*%\s*(?:per|a|an)\s+{_UNIT}{_SURE}")
_ONE_IN = re.compile(rf"one in\s+{_NUMBER}{_TO}{_NUMBER}\s+{_UNIT}{_SURE}")
_RATIO = re.compile(rf"{_NUMBER}\s*x?{_TO}{_NUMBER}\s*x{_SURE}")
_SHARE = re.compile(rf"{_NUMBER}\s*%?{_TO}{_NUMBER}\s*%{_SURE}")
_DURATION = re.compile(rf"{_NUMBER}\s*{_UNIT}")
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
    if match := _RATE.fullmatch(text.strip()):
        low, high, unit, sure = match.groups()
        slow, fast = (_hazard(float(p) / 100, text) / DAYS_IN[unit] for p in (low, high))
        return _range(slow, fast, sure, text)
    if match := _ONE_IN.fullmatch(text.strip()):
        short, long, unit, sure = match.groups()
        if float(short) <= 0 or float(long) <= 0:
            raise ValueError(f"'{text}': a waiting time must be more than 0")
        slow, fast = (1 / (float(wait) * DAYS_IN[unit]) for wait in (long, short))
        return _range(slow, fast, sure, text)
    raise ValueError(
        f"'{text}' is not a rate; write it like '5%..20% per quarter, 90% sure' "
        "or 'one in 8..30 years'"
    )


def parse_ratio(text: str) -> Range:
    """A range of hazard ratios, such as "1.2x..3x, 90% sure"."""
    match = _RATIO.fullmatch(text.strip())
    if not match:
        raise ValueError(f"'{text}' is not a range of factors; write it like '1.2x..3x, 90% sure'")
    low, high, sure = match.groups()
    if float(low) <= 0:
        raise ValueError(f"'{text}': a factor must be more than 0")
    return _range(float(low), float(high), sure, text)


def parse_share(text: str) -> Range:
    """A range of shares of a whole, 0 to 1, such as "30%..75%, 90% sure"."""
    match = _SHARE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"'{text}' is not a range of shares; write it like '30%..75%, 90% sure'")
    low, high, sure = match.groups()
    if float(low) <= 0 or float(high) >= 100:
        raise ValueError(f"'{text}': a share lies strictly between 0% and 100%")
    return _range(float(low) / 100, float(high) / 100, sure, text)


def parse_days(text: str) -> float:
    """A duration such as "30 days", in days.

    >>> parse_days("2 weeks")
    14.0
    """
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise ValueError(f"'{text}' is not a duration; write it like '30 days' or '2 weeks'")
    number, unit = match.groups()
    return _finite(float(number), text) * DAYS_IN[unit]


def parse_percent(value: str | float) -> float:
    """A probability written as people write it: "40%", "0.4" or 0.4.

    >>> parse_percent("40%"), parse_percent(0.4)
    (0.4, 0.4)
    """
    if isinstance(value, str):
        match = _PERCENT.fullmatch(value.strip())
        if not match:
            raise ValueError(f"'{value}' is not a probability; write it like '40%' or 0.4")
        number, sign = match.groups()
        value = float(number) / 100 if sign else float(number)
    if isinstance(value, bool) or not 0.0 <= value <= 1.0:
        raise ValueError(f"{value} is not a probability from 0 to 1 (or 0% to 100%)")
    return float(value)


def _hazard(p: float, text: str) -> float:
    if not 0.0 < p < 1.0:
        raise ValueError(f"'{text}': a probability lies strictly between 0% and 100%")
    return -math.log1p(-p)


def _range(low: float, high: float, sure: str | None, text: str) -> Range:
    mass = float(sure) / 100 if sure else DEFAULT_MASS
    if not 0.0 < mass < 1.0:
        raise ValueError(f"'{text}': how sure lies strictly between 0% and 100%")
    if not low < high:
        raise ValueError(f"'{text}': the lower end must be below the upper end")
    return Range(_finite(low, text), _finite(high, text), mass)


def _finite(number: float, text: str) -> float:
    if not math.isfinite(number):
        raise ValueError(f"'{text}': too large a number")
    return number
