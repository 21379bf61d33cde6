"""What so many events can tell apart: when to refuse to choose, and what may compete.

On a standardised column the information on an effect is the number of EVENTS d, not of rows (a
hazard's Fisher information is events times the column's variance). So of K columns whose effects
have a standard deviation s beforehand, that many are effectively free:

    m(s) = K s^2 d / (1 + s^2 d)            columns taken as uncorrelated: at most

and to leave ten events an effective parameter, d / m(s) >= 10, s may be as wide as

    tau0 = 1 / sqrt(10 K - d)                any width where d >= 10 K

It is for a Normal what tau0 = p0 / (K - p0) / sqrt(d) is for the horseshoe's half-Cauchy, with
p0 = d / 10 effects worth having: Piironen and Vehtari (2017), Electronic Journal of Statistics
11, 5018-5051, section 3.3. Ten events: Peduzzi et al. (1996), Journal of Clinical Epidemiology
49, 1373-1379.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

from forecast.scoring.bootstrap import FEWEST
from models.panel.columns import Column
from models.panel.settings import Settings

LEAST_TRAINING = 10  # events before the first refit
LEAST_JUDGED = 5  # events, in what decides and in what confirms
PER_PARAMETER = 10  # events an effective parameter
SHRUNK = ("tag", "event")  # kinds of columns whose effects are shrunk together


@dataclass(frozen=True, slots=True)
class Support:
    """What there is to choose by: events in `training` windows that had ended by the first refit,
    in the `judged` stretch and in the one `held` out, `stretches` of time in the judged one that
    do not depend on each other, and `columns` that are shrunk together by default.
    """

    training: int
    judged: int
    held: int
    stretches: int
    columns: int

    @property
    def events(self) -> int:
        """All that the choice may see."""
        return self.training + self.judged

    @property
    def is_crowded(self) -> bool:
        """Whether there are more columns than events."""
        return self.columns > self.events

    @property
    def widest(self) -> float:
        """tau0, the widest standard deviation of effects that these events support."""
        return widest(self.events, self.columns)


def widest(events: float, columns: int) -> float:
    """tau0; infinite where any width is supported.

    >>> round(widest(25, 240), 3), round(widest(300, 48), 3), widest(900, 48)
    (0.021, 0.075, inf)
    """
    lacking = PER_PARAMETER * columns - events
    return 1 / math.sqrt(lacking) if lacking > 0 else math.inf


def refusal(found: Support) -> str:
    """Why nothing can be chosen at all, and what it would need; empty where it can."""
    for there, needed, words in (
        (found.training, LEAST_TRAINING, "events in windows that ended before the first refit"),
        (found.judged, LEAST_JUDGED, "events in the stretch that candidates are judged on"),
        (found.stretches, FEWEST, "stretches of time that do not depend on each other"),
    ):
        if there < needed:
            words = words.replace("events", "event", 1) if there == 1 else words
            return (
                f"{there} {words}, and to choose settings takes {needed}: "
                "what would be picked is chance, so the default settings stand"
            )
    return ""


def why_not(
    found: Support,
    asked: Settings,
    columns: Collection[Column],
    standing: Settings,
    heard: Collection[Column],
) -> str:
    """Why a candidate may not compete with what is standing; empty where it may.

    `columns` are the candidate's, `heard` those of the standing settings.
    """
    if found.is_crowded and not set(columns) <= set(heard):
        return (
            f"{found.columns} columns of tags and {found.events} events: "
            "only what leaves some out may compete"
        )
    is_wider = min(asked.shrinkage) > min(standing.shrinkage)
    shrunk = sum(column.kind in SHRUNK for column in columns)
    if is_wider and min(asked.shrinkage) > widest(found.events, shrunk):
        needs = math.ceil(PER_PARAMETER * shrunk - min(asked.shrinkage) ** -2)
        return (
            f"{shrunk} columns of tags need {needs} events to bear effects as wide as "
            f"{min(asked.shrinkage):g}, and there are {found.events}"
        )
    return ""
