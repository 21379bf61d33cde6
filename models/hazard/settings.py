"""What is uncertain and discrete: half-lives on three points, and whether units are coupled.

Every combination is a setting with covariates of its own. They are summed out of the density,
so that a draw of the other parameters carries a probability of each.
"""

from dataclasses import dataclass
from itertools import product
from math import log, prod

import numpy as np
from numpy.typing import NDArray

from models.covariates import Array
from models.priors.beliefs import Beliefs

HALF_LIFE_POINTS = ((-1, 0.25), (0, 0.5), (1, 0.25))  # powers of the factor, and their weights


@dataclass(frozen=True, slots=True)
class Setting:
    """Half-lives (tag,), which columns count (tag,), which units are coupled, prior weight."""

    half_lives: Array
    on: Array
    coupled: tuple[bool, ...]
    log_weight: float


def settings_of(beliefs: Beliefs) -> tuple[Setting, ...]:
    """Every setting that the beliefs hold possible; one where nothing is uncertain.

    Uncertain half-lives are all short, all middling or all long together.
    """
    columns, units = beliefs.columns(), beliefs.couplings
    factors = np.array([c.half_life_factor for c in columns])
    is_uncertain = bool((factors > 1.0).any())
    points = HALF_LIFE_POINTS if is_uncertain else ((0, 1.0),)
    found = []
    for (power, weight), coupled in product(points, product((False, True), repeat=len(units))):
        chances = [
            u.probability if c else 1 - u.probability for u, c in zip(units, coupled, strict=True)
        ]
        on = np.ones(len(columns))
        on[len(beliefs.effects) :][: len(units)] = coupled
        found.append(
            Setting(
                half_lives=np.array([c.half_life for c in columns]) * factors**power,
                on=on,
                coupled=coupled,
                log_weight=log(weight * prod(chances)),
            )
        )
    return tuple(found)


def plain_setting(settings: tuple[Setting, ...]) -> Setting:
    """The setting of the likeliest half-lives in which no unit is coupled."""
    return max((s for s in settings if not any(s.coupled)), key=lambda s: s.log_weight)


def couples(settings: tuple[Setting, ...], unit: int) -> NDArray[np.bool_]:
    """In which settings (setting,) the unit of that place among the couplings is coupled."""
    return np.array([s.coupled[unit] for s in settings])
