"""Whether a selector fits a rule on a subject."""

from forecast.alert import Selector, Target
from forecast.names import matches


def fits(selector: Selector, target: Target) -> bool:
    """Whether all of a selector's lists fit; what names units or tags fits no channel.

    >>> fits(Selector(units=("usa-*",)), Target("r", "q", unit="usa-ven"))
    True
    >>> fits(Selector(tags=("military.*",)), Target("r", "q", unit="usa-ven"))
    False
    """
    return (
        matches(target.rule, selector.rules)
        and matches(target.question, selector.questions)
        and matches(target.unit, selector.units)
        and matches(target.severity, selector.severities)
        and ("*" in selector.tags or any(matches(tag, selector.tags) for tag in target.tags))
    )
