"""A belief in the words of a peak and a bound, as the range that says it."""

import math
import re

from forecast.errors import UsageError
from forecast.words import parse_days, parse_rate
from jobs.attainable import MOST
from jobs.proposals import Proposal
from models.priors.peaked import furthest, peaked_beta, peaked_normal
from models.priors.say import digits, rate_words, ratio_words, share_words

_PEAKED = re.compile(
    r"(?:most likely|about|around)\s+(?P<peak>\d+(?:\.\d+)?)\s*[%x]?\s*"
    r"(?P<first>[a-z][a-z ]*)?,\s*(?:(?P<sure>\d+(?:\.\d+)?)\s*%\s*sure|surely)\s+"
    r"(?P<side>below|above|under|over|at most|at least)\s+(?P<bound>\d+(?:\.\d+)?)\s*[%x]?"
    r"\s*(?P<period>[a-z][a-z ]*)?"
)
_SIDES = {"under": "below", "at most": "below", "over": "above", "at least": "above"}
SURELY = 95.0  # percent


def from_peak(key: str, words: str) -> Proposal | None:
    """A belief of "most likely 8%, 95% sure below 40% per quarter"; None for words of another kind.

    "Surely" is 95 % sure. UsageError, with the nearest that can be, where there is none such.
    """
    words = " ".join(words.split())  # of many blanks a pattern looks at each twice
    match = _PEAKED.fullmatch(words)
    if not match or key == "unit_spread":
        return None
    peak, bound, sure = (float(match[name] or SURELY) for name in ("peak", "bound", "sure"))
    if hint := _mended(match, words, peak, bound, sure):
        raise UsageError(f"'{words}' cannot be; the nearest that can be is '{hint}'", at=key)
    periods = (match["first"] or match["period"], match["period"] or match["first"])
    try:
        if key.endswith("share"):
            found = _share_at(words, peak / 100, bound / 100, sure)
        else:
            found = _log_at(key, peak, bound, sure / 100, periods)
    except ValueError as error:
        raise UsageError(str(error), at=key) from None
    return Proposal(found, (f"from '{words}'",))


def _mended(match: re.Match[str], words: str, peak: float, bound: float, sure: float) -> str:
    """The words as they can be; "" where they can."""
    side = match["side"]
    is_below = _SIDES.get(side, side) == "below"
    if not 50 < sure < 100:
        return words.replace(f"{match['sure']}%", f"{SURELY:g}%", 1)
    if peak <= 0 or bound <= 0:
        which = "peak" if peak <= 0 else "bound"
        start, end = match.span(which)
        return f"{words[:start]}{max(peak, bound) / 10:g}{words[end:]}"
    if (bound > peak) is not is_below and bound != peak:
        return words.replace(side, "above" if is_below else "below", 1)
    start, end = match.span("bound")
    if bound == peak:
        return f"{words[:start]}{peak * (2 if is_below else 0.5):g}{words[end:]}"
    is_rate = match["first"] or match["period"]
    return f"{words[:start]}{MOST:g}{words[end:]}" if bound >= 100 and is_rate else ""


def _log_at(
    key: str, peak: float, bound: float, mass: float, periods: tuple[str | None, str | None]
) -> str:
    if key.startswith("effects."):
        return ratio_words(peaked_normal(peak, bound, mass))
    if key.startswith("half_life."):
        ends = [
            parse_days(f"{x:.12g} {p or 'days'}")
            for x, p in zip((peak, bound), periods, strict=True)
        ]
        n = peaked_normal(ends[0], ends[1], mass)
        low, high = (digits(math.exp(n.quantile(p))) for p in (0.05, 0.95))
        return f"{low}..{high} days, 90% sure"
    rates = [_rate(x, p or "per quarter") for x, p in zip((peak, bound), periods, strict=True)]
    return rate_words(peaked_normal(rates[0], rates[1], mass))


def _rate(percent: float, period: str) -> float:
    """Events a day of one probability, as the upper end of a range."""
    return parse_rate(f"{percent / 2:.12g}%..{percent:.12g}% {period}").high


def _share_at(words: str, mode: float, bound: float, sure: float) -> str:
    if mode >= 1:
        raise ValueError(f"'{words}': a share lies strictly between 0% and 100%")
    found = peaked_beta(mode, bound, sure / 100) if bound < 1 else None
    if found is not None:
        return share_words(found)
    limit, side = 100 * furthest(mode, bound, sure / 100), "below" if bound > mode else "above"
    hint = f"most likely {100 * mode:g}%, {sure:g}% sure {side} {digits(limit)}%"
    raise ValueError(f"'{words}': no Beta is as wide; the nearest that can be is '{hint}'")
