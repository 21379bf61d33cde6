"""What others said last, beside what we said at that moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from forecast.estimate import Estimate
from forecast.evidence import CrowdForecast
from forecast.reports.phrases import safe_url
from forecast.reports.track_record import standing_at


@dataclass(frozen=True, slots=True)
class Beside:
    """The newest number of one source, and our estimate that stood then, if there was one.

    `url` is http(s) or empty.
    """

    source: str
    at: datetime
    probability: float
    url: str
    ours: Estimate | None


def newest_of_others(
    crowd: Sequence[CrowdForecast], history: Sequence[Estimate]
) -> tuple[Beside, ...]:
    """One line a source, the newest first; `crowd` and `history` in the order of time."""
    newest = {said.source: said for said in crowd}
    found = sorted(newest.values(), key=lambda said: (said.at, said.source), reverse=True)
    return tuple(
        Beside(said.source, said.at, said.probability, safe_url(said.url), ours)
        for said in found
        for ours in [standing_at(history, said.at)]
    )
