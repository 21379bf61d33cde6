"""Probabilities as people read them: percentages, and the words of ICD 203.

Source: Intelligence Community Directive 203, Analytic Standards, D.6.e(2)(a). The directive
has no words below 1 % and above 99 %; ours say that the model leaves a little room there.
"""

import math

_WORDS = (
    (0.01, "a remote chance"),
    (0.05, "almost no chance"),
    (0.20, "very unlikely"),
    (0.45, "unlikely"),
    (0.55, "roughly even chance"),
    (0.80, "likely"),
    (0.95, "very likely"),
)


def likelihood_words(p: float) -> str:
    """The words for a probability; a bound between two bands belongs to the upper one.

    >>> [likelihood_words(p) for p in (0.004, 0.05, 0.43, 0.5, 0.99, 0.995)]
    ... # doctest: +NORMALIZE_WHITESPACE
    ['a remote chance', 'very unlikely', 'unlikely', 'roughly even chance',
     'almost certain', 'all but certain']
    >>> likelihood_words(0.0), likelihood_words(1.0)
    ('no chance', 'certain')
    """
    _require_probability(p)
    if p in (0.0, 1.0):
        return "certain" if p else "no chance"
    for below, words in _WORDS:
        if p < below:
            return words
    return "almost certain" if p <= 0.99 else "all but certain"


def percent(p: float, decimals: int = 0) -> str:
    """A probability as a percentage that never claims certainty: 0 and 100 only where exact.

    >>> percent(0.31), percent(0.004), percent(0.996), percent(0.0), percent(1.0)
    ('31 %', '<1 %', '>99 %', '0 %', '100 %')
    >>> percent(0.004, decimals=1), percent(0.0004, decimals=1)
    ('0.4 %', '<0.1 %')
    """
    _require_probability(p)
    if p in (0.0, 1.0):
        return f"{100 * p:.0f} %"
    step = 10.0**-decimals
    if 100 * p < step:
        return f"<{step:g} %"
    # 1 - p, as 100 - 100 * p loses its last digits near 1.
    if 100 * (1 - p) < step * (1 - 1e-9):
        return f">{100 - step:.{decimals}f} %"
    return f"{100 * p:.{decimals}f} %"


def _require_probability(p: float) -> None:
    if not (math.isfinite(p) and 0.0 <= p <= 1.0):
        raise ValueError(f"probability {p} is not a number from 0 to 1")
