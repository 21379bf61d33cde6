"""What a desk believes of one thing, before the data and after them."""

from dataclasses import dataclass, field
from datetime import datetime

SIGNS, FADING = "effects.", "half_life."  # before a tag, in the keys of a prior
FELT = 0.1  # standard deviations of a prior, or shares of its spread: less is hardly anything


@dataclass(frozen=True, slots=True)
class Numbers:
    """The median and the central 90 % of a belief.

    `unit` is "per quarter" (a probability), "ratio" (a factor on the hazard, or between
    units), "share" (of a whole) or "days" (a duration, with no spread).
    """

    unit: str
    median: float
    lower: float
    upper: float

    def __str__(self) -> str:
        if self.unit == "days":
            return f"{self.median:g} days"
        of_100 = 1 if self.unit == "ratio" else 100
        middle, low, high = (_short(of_100 * x) for x in (self.median, self.lower, self.upper))
        if self.unit == "ratio":
            return f"×{middle} [{low}–{high}]"
        a_quarter = " a quarter" if self.unit == "per quarter" else ""
        return f"{middle} %{a_quarter} [{low}–{high} %]"

    @property
    def middle(self) -> str:
        """The median alone, in words."""
        return str(self).partition(" [")[0]


def _short(number: float) -> str:
    """Two digits, or three where two would round to a hundred."""
    return f"{number:.2g}" if number < 99 else f"{number:.1f}"


@dataclass(frozen=True, slots=True)
class Belief:
    """One belief before the data and after them, in the same unit.

    `key` is that of watch.toml ("base_rate", "effects.military.carrier-deployment"), `words`
    what stands there, `fading` the half-life of a sign in its words. `moved` is how far the
    middle went, in standard deviations of the prior; `narrower` by which share the spread
    shrank: 0 where nothing was learnt, negative where it grew.
    """

    key: str
    prior: Numbers
    now: Numbers
    moved: float
    narrower: float
    words: str = ""
    fading: str = ""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What the data at a unit had made of a prior by `as_of`, strongest mover first.

    `definition` is the root; `model` the family that says so. A family that keeps no draws of
    single beliefs has none of them here.
    """

    definition: str
    unit: str
    model: str
    as_of: datetime
    beliefs: tuple[Belief, ...] = field(default=())

    @property
    def track(self) -> str:
        """The key of the track, as that of its model's state."""
        return f"{self.unit}/{self.definition}/{self.model}"


def moved_words(belief: Belief) -> str:
    """How far the data moved a belief, in plain words."""
    where = "up" if belief.moved > 0 else "down"
    far = abs(belief.moved)
    if far < FELT and abs(belief.narrower) < FELT:
        return "hardly touched by the data"
    went = f"{where} by {far:.1f} of its spread" if far >= FELT else "in place"
    share = round(100 * abs(belief.narrower))
    if share < 5:
        return went
    return f"{went}, {share} % {'narrower' if belief.narrower > 0 else 'wider'}"
