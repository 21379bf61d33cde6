"""The numbers behind an estimate, each held against the bound that stands beside it.

The bounds are those of the gates at the time (`models.engine.bounds`), never of today.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from forecast.estimate import Estimate, Health

BINDS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "_below": ("below", lambda value, bound: value < bound),
    "_at_least": ("at least", lambda value, bound: value >= bound),
    "_at_most": ("at most", lambda value, bound: value <= bound),
}
NOT_KEPT = "not kept"


class Mark(StrEnum):
    """How a check came out; OPEN where there was nothing to check it by."""

    FAIL = "fail"
    WARN = "warn"
    PASS = "pass"
    OPEN = "open"


SIGNS = {Mark.FAIL: "✗", Mark.WARN: "‖", Mark.PASS: "✓", Mark.OPEN: "·"}


@dataclass(frozen=True, slots=True)
class Check:
    """What was checked, how it came out, and why, in words; `value` against `bound`, if any.

    Up to its first colon `reason` can stand alone.
    """

    name: str
    mark: Mark
    reason: str
    value: str = ""
    bound: str = ""

    @property
    def verdict(self) -> str:
        """Sign and word: '✓ pass'."""
        return f"{SIGNS[self.mark]} {self.mark.value}"

    @property
    def found(self) -> str:
        """What was found, and what it had to be: '−0.12; must be below 0.70'."""
        if self.bound == NOT_KEPT:
            return f"{self.value}; its bound was not kept"
        return f"{self.value}; must be {self.bound}" if self.bound else self.value

    @property
    def words(self) -> str:
        """What was checked, what was found, and why it passed or did not, in one line."""
        return " · ".join(filter(None, (self.name, self.found, self.reason)))

    @property
    def head(self) -> str:
        """The reason in few words."""
        return self.reason.partition(": ")[0]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A diagnostic in words: how it is called and written, and what it means either way."""

    name: str
    write: Callable[[float], str]
    good: str
    bad: str


def _decimals(count: int) -> Callable[[float], str]:
    def write(value: float) -> str:
        if math.isinf(value):
            return "−∞" if value < 0 else "∞"
        return f"{value:.{count}f}".replace("-", "−")

    return write


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _share(value: float) -> str:
    return f"{100 * value:.2g} %"


def points_of(value: float) -> str:
    """A difference of probabilities: '0.21 points', '1 point'."""
    written = f"{100 * value:.2g}"
    return f"{written} point{'' if written == '1' else 's'}"


KINDS = {
    "khat": _Kind(
        "weights (k-hat)",
        _decimals(2),
        "the weights are well behaved: no few draws carry the answer",
        "a few draws carry the answer: the number may be far off",
    ),
    "ess": _Kind(
        "draws that count",
        _whole,
        "enough draws stand behind the number",
        "too few draws stand behind the number",
    ),
    "rhat": _Kind(
        "chains (R-hat)",
        _decimals(3),
        "the chains agree: they found the same posterior",
        "the chains disagree: they have not found one posterior",
    ),
    "divergences": _Kind(
        "divergences",
        _whole,
        "no step of the sampler went astray",
        "steps of the sampler went astray: a part of the posterior may be missing",
    ),
    "ebfmi": _Kind(
        "energy (E-BFMI)",
        _decimals(2),
        "the sampler reached the tails",
        "the sampler hardly reached the tails: the band may be too narrow",
    ),
    "max_depth_share": _Kind(
        "steps cut short",
        _share,
        "the sampler's steps were long enough",
        "the sampler's steps were cut short: its draws may be of one corner",
    ),
    "correlation": _Kind(
        "draws moved",
        _decimals(2),
        "the draws forgot where they began",
        "the draws still look where they began",
    ),
}
ERROR = _Kind(
    "simulation error",
    points_of,
    "another run would give nearly the same number",
    "another run could give another number",
)


def number_checks(estimate: Estimate) -> list[Check]:
    """Those of the draws, in the order in which the model said them, and the simulation error."""
    found = dict(estimate.diagnostics)
    if "rhat" in found:  # the draws of chains are not weighed
        found.pop("khat", None)
    checks = [
        _judged(kind, found, name, estimate.health) for name, kind in KINDS.items() if name in found
    ]
    return [*(_of_draws(check, found) for check in checks), *_precision(estimate)]


def is_told(name: str) -> bool:
    """Whether a diagnostic stands in a check, as its number or its bound."""
    return name in KINDS or name == "mcse" or name.endswith(tuple(BINDS))


def _of_draws(check: Check, found: dict[str, float]) -> Check:
    if check.name != KINDS["ess"].name or "draws" not in found:
        return check
    return replace(check, value=f"{check.value} of {_whole(found['draws'])}")


def _judged(kind: _Kind, found: dict[str, float], name: str, health: Health) -> Check:
    value = found[name]
    for suffix, (words, holds) in BINDS.items():
        bound = found.get(name + suffix)
        if bound is not None:
            passed = holds(value, bound)
            written = f"{words} {kind.write(bound)}"
            mark, reason = (Mark.PASS, kind.good) if passed else (Mark.FAIL, kind.bad)
            return Check(kind.name, mark, reason, kind.write(value), written)
    if health is Health.HEALTHY:  # the gate looked, and passed it
        return Check(kind.name, Mark.PASS, kind.good, kind.write(value), NOT_KEPT)
    return Check(
        kind.name, Mark.OPEN, "nobody knows what it was held to", kind.write(value), NOT_KEPT
    )


def _precision(estimate: Estimate) -> list[Check]:
    """The Monte Carlo error; none where the answer is a closed form."""
    found = estimate.diagnostics
    if estimate.mcse == 0.0:
        return []
    if not {"khat", "rhat"} & found.keys():
        reason, value = "no gate of this model looks at it", points_of(estimate.mcse)
        return [Check(ERROR.name, Mark.OPEN, reason, value)]
    return [_judged(ERROR, {**found, "mcse": estimate.mcse}, "mcse", estimate.health)]
