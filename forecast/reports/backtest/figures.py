"""Numbers of a backtest as words: the same in every format."""

import math
from collections.abc import Sequence

from forecast.likelihood import percent
from forecast.reports.phrases import counted
from forecast.scoring.results import Gain

NOTHING = "–"
_MARKS = {"better": "●", "not sure": "○", "worse": "▼", "too few blocks": "○"}


def places(score: float) -> int:
    """The decimals that show four digits of `score`: from 3 to 7.

    >>> places(0.1103), places(0.02644), places(0.0), places(2.5)
    (4, 5, 4, 3)
    """
    if not (math.isfinite(score) and score > 0.0):
        return 4
    return min(max(3 - math.floor(math.log10(score)), 3), 7)


def fixed(value: float | None, decimals: int) -> str:
    """`value` with so many decimals; a dash where there is no number.

    >>> fixed(0.11034, 4), fixed(-1e-9, 4), fixed(float("nan"), 4)
    ('0.1103', '0.0000', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    written = f"{value:,.{decimals}f}"
    if float(written.replace(",", "")) == 0.0:
        written = written.removeprefix("-")
    return written.replace("-", "−")


def signed(value: float | None, decimals: int) -> str:
    """The same with its sign.

    >>> signed(0.00021, 4), signed(-0.5, 2), signed(0.0, 2)
    ('+0.0002', '−0.50', '0.00')
    """
    written = fixed(value, decimals)
    is_above = value is not None and math.isfinite(value) and value > 0.0
    return f"+{written}" if is_above and written.strip("0.,") else written


def interval(lower: float | None, upper: float | None, decimals: int) -> str:
    """The two ends of the interval of a gain, such as '−0.0001 to +0.0005'."""
    if lower is None or upper is None:
        return NOTHING
    return f"{signed(lower, decimals)} to {signed(upper, decimals)}"


def share(p: float | None, decimals: int = 1) -> str:
    """A share of all as a percentage.

    >>> share(0.0287), share(None), share(0.0)
    ('2.9 %', '–', '0 %')
    """
    if p is None or not math.isfinite(p):
        return NOTHING
    return percent(min(max(p, 0.0), 1.0), decimals)


def level(p: float) -> str:
    """A threshold, which is a number that somebody chose.

    >>> level(0.2), level(0.025)
    ('20 %', '2.5 %')
    """
    return f"{100 * p:.3g} %" if math.isfinite(p) else NOTHING


def whole(number: float) -> str:
    """A count with its thousands apart."""
    return f"{number:,.0f}" if math.isfinite(number) else NOTHING


def days_words(days: float) -> str:
    """A length of time in one unit.

    >>> days_words(30.0), days_words(1.5), days_words(0.25), days_words(1.0)
    ('30 days', '36 hours', '6 hours', '1 day')
    """
    if not math.isfinite(days):
        return NOTHING
    if days < 3.0 and days != round(days):
        return counted(round(24.0 * days), "hour")
    return counted(round(days), "day")


def lead_words(lead_days: Sequence[float]) -> str:
    """Median of the lead time with its 10 and 90 % quantiles, in days.

    >>> lead_words((1.0, 5.0, 14.0, 20.0, 28.0)), lead_words(())
    ('14 (1.0–28) days', '–')
    """
    if len(lead_days) != 5:
        return NOTHING
    low, _, middle, _, high = (_short(days) for days in lead_days)
    return f"{middle} ({low}–{high}) days"


def _short(days: float) -> str:
    return fixed(days, 0 if abs(days) >= 10 else 1)


def span_words(days: float) -> str:
    """About how long: '18 years', '7 months', '20 days'.

    >>> span_words(6550.0), span_words(200.0), span_words(20.0)
    ('18 years', '7 months', '20 days')
    """
    if days >= 2 * 365.25:
        return counted(round(days / 365.25), "year")
    if days >= 61:
        return counted(round(days / 30.44), "month")
    return counted(max(1, round(days)), "day")


def mass_words(gain: Gain) -> str:
    """'95 %': how much of the bootstrap lies between the ends."""
    return f"{100 * gain.mass:.3g} %"


def bounded(gain: Gain, decimals: int) -> str:
    """The gain and, where it is known, its interval: '+0.0002 (95 % −0.0001 to +0.0005)'."""
    bounds = f" ({mass_words(gain)} {interval(gain.lower, gain.upper, decimals)})"
    return signed(gain.value, decimals) + ("" if gain.lower is None else bounds)


def gain_words(gain: Gain) -> str:
    """What can be said of a gain: the word that stands in tables."""
    if gain.lower is None or gain.upper is None:
        return "too few blocks"
    if gain.lower > 0.0:
        return "better"
    return "worse" if gain.upper < 0.0 else "not sure"


def marked(gain: Gain, decimals: int) -> str:
    """The gain with the mark of how sure it is, as in the charts.

    >>> marked(Gain(0.002, 0.001, 0.003, 20), 4)
    '● +0.0020'
    """
    return f"{_MARKS[gain_words(gain)]} {signed(gain.value, decimals)}"
