"""The candidates: a small grid around the defaults, axis by axis.

An axis is one thing that may be otherwise; a candidate changes that alone. The lengths are
those that fields differ in: signs that fade within a tenth of a horizon, or last for twelve.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from forecast.panel_table import FOREVER, PanelTable

FADING = PanelTable(half_lives=(), activity=())
RATES = PanelTable(half_lives=(), activity=(), changes=(), levels=False, drift=(), season=False)
UNIT = PanelTable(
    half_lives=(), activity=(), changes=(), levels=False, drift=(), season=False, history=()
)

type Axes = Mapping[str, Mapping[str, PanelTable]]

# in the order in which they are tried: what kind of model, what it hears, how firmly it is held
AXES: Axes = {
    "family": {"unit rate only": UNIT, "own history only": RATES, "without tags": FADING},
    "tags": {
        "short half-lives": PanelTable(half_lives=(0.1, 0.3, 1.0)),
        "long half-lives": PanelTable(half_lives=(3.0, 12.0, 48.0)),
        "two half-lives": PanelTable(half_lives=(1.0, 12.0)),
    },
    "history": {
        "none": PanelTable(history=()),
        "short": PanelTable(history=(0.25, 1.0, 3.0)),
        "long": PanelTable(history=(3.0, 12.0, 48.0, FOREVER)),
    },
    "drift": {"none": PanelTable(drift=()), "slow": PanelTable(drift=(16.0, 64.0))},
    "activity": {"none": PanelTable(activity=())},
    "levels": {
        "no changes": PanelTable(changes=()),
        "slower changes": PanelTable(changes=(2.0, 4.0, 8.0)),
    },
    "season": {"none": PanelTable(season=False)},
    "shrinkage": {
        "tighter": PanelTable(shrinkage=(0.01, 0.03)),
        "wider": PanelTable(shrinkage=(0.1, 0.3)),
    },
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One value of one axis, and what it changes."""

    axis: str
    name: str
    table: PanelTable
