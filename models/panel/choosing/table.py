"""From the table that files hold to what a panel is learnt with, and back: the one place."""

import math
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from forecast.panel_table import FOREVER, PanelTable
from models.panel.settings import Settings

NAMES = tuple(f.name for f in fields(PanelTable) if f.name != "chosen_until")


def settings_from(table: PanelTable | None, otherwise: Settings) -> Settings:
    """The settings that a table states; `otherwise` where it says nothing.

    >>> settings_from(PanelTable(drift=(4.0, "forever")), Settings()).drift
    (4.0, inf)
    """
    stated = {
        name: getattr(table, name) for name in NAMES if getattr(table, name, None) is not None
    }
    return replace(otherwise, **{name: _number(value) for name, value in stated.items()})


def table_from(settings: Settings, chosen_until: datetime | None = None) -> PanelTable:
    """All of the settings that a table can state, so that later defaults do not change them."""
    stated = {name: _written(getattr(settings, name)) for name in NAMES}
    return PanelTable(**stated, chosen_until=chosen_until)


def _number(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return tuple(math.inf if length == FOREVER else length for length in value)


def _written(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return tuple(FOREVER if math.isinf(length) else length for length in value)
