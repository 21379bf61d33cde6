"""From the parameters of priors back to plain words, 90 % sure, to three digits."""

import math

from forecast.words import DAYS_IN
from models.priors.elicit import Beta, Normal

BAND = (0.05, 0.95)
MOST = 0.95  # a probability that is told of a period; of a shorter one where it is higher
LEAST = 0.001  # per quarter, below which a waiting time is plainer


def rate_words(log_rate: Normal) -> str:
    """A log rate per day, as a probability in a period or as a waiting time.

    >>> from forecast.words import parse_rate
    >>> from models.priors.elicit import log_normal
    >>> rate_words(log_normal(parse_rate("5%..20% per quarter, 90% sure")))
    '5%..20% per quarter, 90% sure'
    >>> rate_words(log_normal(parse_rate("one in 200..900 years")))
    'one in 200..900 years, 90% sure'
    """
    low, high = (math.exp(log_rate.quantile(p)) for p in BAND)
    if -math.expm1(-high * DAYS_IN["quarter"]) < LEAST * 10 and low * DAYS_IN["quarter"] < LEAST:
        years = (1 / (rate * DAYS_IN["year"]) for rate in (high, low))
        return f"one in {'..'.join(map(digits, years))} years, 90% sure"
    for period in ("quarter", "month", "week", "day"):
        chances = [-100 * math.expm1(-rate * DAYS_IN[period]) for rate in (low, high)]
        if chances[1] <= 100 * MOST:
            return f"{'%..'.join(map(digits, chances))}% per {period}, 90% sure"
    waits = (1 / (rate * DAYS_IN["hour"]) for rate in (high, low))
    return f"one in {'..'.join(map(digits, waits))} hours, 90% sure"


def ratio_words(log_ratio: Normal) -> str:
    """A log hazard ratio, as factors.

    >>> ratio_words(Normal(0.6405, 0.2785))
    '1.2x..3x, 90% sure'
    """
    low, high = (digits(math.exp(log_ratio.quantile(p))) for p in BAND)
    return f"{low}x..{high}x, 90% sure"


def share_words(share: Beta) -> str:
    """A share of a whole, in percent."""
    from scipy.special import betaincinv

    low, high = (digits(100 * float(betaincinv(share.a, share.b, p))) for p in BAND)
    return f"{low}%..{high}%, 90% sure"


def digits(number: float) -> str:
    """Three of them, without an exponent.

    >>> digits(12.345), digits(0.000123456), digits(12345.6)
    ('12.3', '0.000123', '12346')
    """
    places = max(2 - math.floor(math.log10(abs(number))), 0) if number else 0
    text = f"{number:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
