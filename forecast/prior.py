"""A version of what a desk believes before the evidence, in its own words."""

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
