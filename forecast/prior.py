"""A version of what a desk believes before the evidence, in its own words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PriorVersion:
    """The words of one definition's prior, as they stood from `at` on.

    `words` maps a key of watch.toml ("base_rate", "effects.military.carrier-deployment")
    to its text. Versions count from 1 in each definition; none is ever changed.
    """

    definition: str
    version: int
    at: datetime
    author: str
    reason: str
    words: dict[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One belief in two versions; empty words where it is not there."""

    key: str
    before: str
    after: str


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    """What differs between two sets of words, in the order of the second."""
    keys = [*after, *(key for key in before if key not in after)]
    pairs = [Difference(key, before.get(key, ""), after.get(key, "")) for key in keys]
    return [d for d in pairs if d.before != d.after]
