"""From tables to settings and back."""

from dataclasses import fields, replace

from forecast.clock import parse_instant
from forecast.panel_table import PanelTable
from models.panel.choosing.candidates import AXES
from models.panel.choosing.table import NAMES, settings_from, table_from
from models.panel.settings import QUICK, Settings


def test_what_a_table_does_not_say_stays() -> None:
    other = replace(QUICK, drift=(2.0,), level_tags=("wind",))
    assert settings_from(None, other) == other
    assert settings_from(PanelTable(), other) == other
    found = settings_from(PanelTable(history=(), season=False), other)
    assert found == replace(other, history=(), season=False)


def test_all_that_a_table_can_say_comes_back() -> None:
    every = [table for named in AXES.values() for table in named.values()]
    for table in every:
        made = settings_from(table, Settings())
        # read over settings that differ in everything
        strange = Settings(
            half_lives=(9.0,), activity=(9.0,), history=(9.0,), drift=(9.0,), changes=(9.0,),
            shrinkage=(9.0,), season=not made.season, levels=not made.levels,
        )  # fmt: skip
        assert settings_from(table_from(made), strange) == made


def test_a_table_has_only_fields_of_settings() -> None:
    assert set(NAMES) <= {field.name for field in fields(Settings)}


def test_when_it_was_chosen_goes_with_it() -> None:
    until = parse_instant("2009-12-31")
    assert table_from(Settings(), until).chosen_until == until
