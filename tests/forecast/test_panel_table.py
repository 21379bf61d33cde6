"""How a panel is learnt is read strictly, from a file, or from a definition that names one."""

import os
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from forecast.clock import parse_instant
from forecast.config import Learns
from forecast.errors import ConfigError
from forecast.panel_table import PanelTable, read_panel_table
from forecast.watch import load_watch, parse_config

WATCH = """
[watch]
title = "desk"
[definitions.d]
model = "panel"
base_rate = "1%..5% per quarter"
learns = { units = ["*"], settings = SETTINGS }
"""


def read(folder: Path, text: str) -> PanelTable:
    (folder / "s.toml").write_text(text)
    return read_panel_table(folder / "s.toml")


def trouble(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as found:
        read(folder, text)
    return str(found.value).removeprefix(f"{folder / 's.toml'}: ")


def learns(settings: str) -> Learns:
    found = parse_config(WATCH.replace("SETTINGS", settings)).definitions["d"].learns
    assert found is not None
    return found


def test_a_file_says_what_it_says_and_nothing_of_the_rest(tmp_path: Path) -> None:
    found = read(tmp_path, "half_lives = [0.1, 1]\nseason = false\nchosen_until = 2009-12-31")
    until = parse_instant("2009-12-31")
    assert found == PanelTable(half_lives=(0.1, 1.0), season=False, chosen_until=until)
    assert found.history is None


def test_what_never_fades_is_said_in_a_word_or_as_infinity(tmp_path: Path) -> None:
    words, number = (read(tmp_path, f"history = [1.0, {end}]") for end in ('"forever"', "inf"))
    assert words == number == PanelTable(history=(1.0, "forever"))


def test_an_empty_list_leaves_columns_out_and_is_not_the_same_as_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "half_lives = []").half_lives == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("half_live = [1.0]", "half_live: unknown key; did you mean 'half_lives'?"),
        ("half_lives = [0]", "half_lives.0: 0 is not a number of horizons above 0"),
        ("drift = [1.0, true]", "drift.1: True is not a number"),
        ("drift = ['long']", "drift.0: 'long' is not a number of horizons above 0, nor 'forever'"),
        ("history = [nan]", "history.0: nan is not a number"),
        ("shrinkage = []", "shrinkage: "),
        ("shrinkage = [inf]", "shrinkage.0: "),
        ("shrinkage = [1e308]", "shrinkage.0: Input should be less than or equal to 10"),
        ("shrinkage = [1e-300]", "shrinkage.0: Input should be greater than or equal to 0.0001"),
        ("changes = ['forever']", "changes.0: "),
        ("season = 'perhaps'", "season: "),
        ("chosen_until = 2009-12-31T10:00:00", "chosen_until: 2009-12-31T10:00:00 has no time"),
        ("half_lives", "is not TOML"),
    ],
)
def test_a_mistake_is_one_line_with_its_key(tmp_path: Path, text: str, words: str) -> None:
    assert trouble(tmp_path, text).startswith(words)


def test_a_file_that_is_not_there_a_pipe_and_a_huge_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "missing"
    with pytest.raises(ConfigError, match="is not there") as found:
        read_panel_table(path)
    assert found.value.at == str(path)
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="is not a regular file"):
        read_panel_table(path)
    assert read(tmp_path, "#" * (1 << 16)) == PanelTable()
    assert "is longer than" in trouble(tmp_path, "#" * ((1 << 16) + 1))


def test_a_definition_states_a_table(tmp_path: Path) -> None:
    assert learns("{ drift = [] }").settings == PanelTable(drift=())
    with pytest.raises(ConfigError) as found:
        learns("{ drifts = [] }")
    assert found.value.at == "watch.toml: definitions.d.learns.settings.drifts"
    assert found.value.message == "unknown key"


def test_a_definition_names_a_file_beside_its_watch(tmp_path: Path) -> None:
    (tmp_path / "watch.toml").write_text(WATCH.replace("SETTINGS", '"strikes.toml"'))
    with pytest.raises(ConfigError) as found:
        load_watch(tmp_path)
    assert str(found.value) == "definitions.d.learns.settings: strikes.toml is not there"
    (tmp_path / "strikes.toml").write_text("shrinkage = [0.01, 0.03]")
    table = load_watch(tmp_path).config.definitions["d"].learns
    assert table is not None
    assert table.settings == PanelTable(shrinkage=(0.01, 0.03))


@pytest.mark.parametrize(
    "text", ["definitions = 3", "[definitions]\nd = 3", "[definitions.d]\nlearns = 3"]
)
def test_a_watch_of_other_shapes_is_refused_as_before(text: str) -> None:
    with pytest.raises(ConfigError, match=r"definitions"):
        parse_config(f'{text}\n[watch]\ntitle = "desk"')


def test_a_table_comes_back_from_what_a_store_keeps() -> None:
    table = PanelTable(history=(1.0, "forever"), chosen_until=parse_instant("2009-12-31"))
    adapter = TypeAdapter(PanelTable)
    assert adapter.validate_python(adapter.dump_python(table, mode="json")) == table
