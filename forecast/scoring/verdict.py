"""The verdict on calibration: what two p-values and the power behind them allow to be said."""

from dataclasses import dataclass

from forecast.scoring.calibration_tests import Power
from forecast.scoring.results import Verdict

LEVEL = 0.01  # of both tests together: the smaller p-value counts twice
DOUBT = 0.05  # below it there is a sign, if no proof
ENOUGH = 0.5  # power below which not to reject says nothing
FEWEST = 10  # events and non-events, come or forecast: below it no test is a law of large numbers
_FAR = 0.1  # a slope so far from 1 is worth a word


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict rests on: counts, the p-values that could be had, the slope, the power."""

    n: int
    origins: int
    events: int
    expected: float
    p_values: tuple[float, ...]
    slope: float | None
    power: Power | None

    @property
    def p_value(self) -> float:
        """Of both tests together (Bonferroni); 1 without tests."""
        return min([1.0, *(len(self.p_values) * p for p in self.p_values)])


def verdict(found: Evidence) -> Verdict:
    """MISCALIBRATED where a test rejects, else TOO_FEW where none would have."""
    if found.p_value < LEVEL:
        return Verdict.MISCALIBRATED
    is_enough = found.power is not None and found.power.chance >= ENOUGH
    return Verdict.CALIBRATED if found.p_values and is_enough else Verdict.TOO_FEW


def words(found: Evidence) -> str:
    """The verdict as a sentence.

    >>> words(Evidence(11448, 216, 328, 343.2, (0.42, 0.21), 1.02, Power(0.99, True)))
    'No sign of miscalibration: 343 events forecast, 328 came (p = 0.42).'
    >>> print(words(Evidence(12, 12, 5, 5.6, (), 0.4, Power(0.254, True))))
    ... # doctest: +NORMALIZE_WHITESPACE
    Too few to tell: with 12 forecasts even a forecaster who is far too sure would pass
    75 times in 100.
    """
    match verdict(found):
        case Verdict.MISCALIBRATED:
            return (
                f"Miscalibrated: {_counts(found)}{_slope_words(found.slope)} ({_p_words(found)})."
            )
        case Verdict.CALIBRATED if found.p_value < DOUBT:
            return (
                f"Perhaps miscalibrated, but not surely: {_counts(found)}"
                f"{_slope_words(found.slope)} ({_p_words(found)})."
            )
        case Verdict.CALIBRATED:
            return f"No sign of miscalibration: {_counts(found)} ({_p_words(found)})."
        case _:
            return f"Too few to tell: {_too_few(found)}."


def _counts(found: Evidence) -> str:
    expected = f"{found.expected:,.0f}" if found.expected >= 9.95 else f"{found.expected:.1f}"
    return f"{expected} events forecast, {found.events:,} came"


def _p_words(found: Evidence) -> str:
    return f"p = {found.p_value:.2g}" if found.p_value >= 0.0001 else "p < 0.0001"


def _slope_words(slope: float | None) -> str:
    if slope is None or abs(slope - 1.0) < _FAR:
        return ""
    how = "too far apart" if slope < 1.0 else "too close together"
    return f", and forecasts lie {how}, by a slope of {slope:.2f}"


def _too_few(found: Evidence) -> str:
    if not found.n:
        return "there are no forecasts"
    if found.power is None:
        return (
            f"{found.n:,} forecasts from {_several(found.origins, 'origin')} are too short a time "
            "to know how they depend on each other"
        )
    wrong = (
        "a forecaster who is far too sure" if found.power.of_slope else "odds 1.65 times too high"
    )
    passes = round(100.0 * (1.0 - found.power.chance))
    rows = _several(found.n, "forecast")
    if found.origins < found.n:
        rows += f" from {_several(found.origins, 'origin')}, which move together,"
    return f"with {rows} even {wrong} would pass {passes} times in 100"


def _several(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
