"""How a panel is learnt, as a table: of a definition that learns, or a file of its own.

    half_lives = [0.1, 0.3, 1.0]      # lengths of time, in horizons
    history = [1.0, 3.0, "forever"]
    shrinkage = [0.01, 0.03]

`tocsin models fit --write FILE` writes one, `tocsin backtest --settings FILE` reads it, and a
definition may name it: `learns = { units = ["*"], settings = "FILE" }`.
"""

import math
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
)
from pydantic.dataclasses import dataclass

from forecast.errors import ConfigError
from forecast.fields import utc_instant
from forecast.names import did_you_mean

FOREVER: Literal["forever"] = "forever"
MOST = 12  # lengths in one list
MOST_BYTES = 1 << 16


def _length(value: object) -> float | Literal["forever"]:
    if value == FOREVER or value == math.inf:
        return FOREVER
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and 0 < float(value) < math.inf:  # type: ignore[arg-type]
        return float(value)  # type: ignore[arg-type]
    raise ValueError(f"{value!r} is not a number of horizons above 0, nor '{FOREVER}'")


type Length = Annotated[float | Literal["forever"], PlainValidator(_length)]
type Lengths = Annotated[tuple[Length, ...], Field(max_length=MOST)]
type Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
type Width = Annotated[float, Field(ge=1e-4, le=10.0)]


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class PanelTable:
    """What is not stated is as by default; the fields are those of `models.panel.settings`.

    `half_lives` of tags, `activity` of all that is reported, `history` of the event at the unit
    and `drift` of it in the class are in horizons, and an empty list leaves such columns out;
    `changes` of levels are in their usual gaps. `shrinkage` are the standard deviations that
    effects of tags may have. Facts until `chosen_until` had a part in the choice: only forecasts
    made after it are a fair record.
    """

    half_lives: Lengths | None = None
    activity: Lengths | None = None
    history: Lengths | None = None
    drift: Lengths | None = None
    changes: Annotated[tuple[Positive, ...], Field(max_length=MOST)] | None = None
    shrinkage: Annotated[tuple[Width, ...], Field(min_length=1, max_length=MOST)] | None = None
    season: bool | None = None
    levels: bool | None = None
    chosen_until: Annotated[datetime, BeforeValidator(utc_instant)] | None = None


def read_panel_table(path: Path) -> PanelTable:
    """The table that a file holds; ConfigError names the key that is wrong."""
    told = _read(path, str(path))
    try:
        return TypeAdapter(PanelTable).validate_python(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        words = first["msg"].removeprefix("Value error, ")
        if first["type"] == "unexpected_keyword_argument":
            words = "unknown key" + did_you_mean(str(first["loc"][-1]), PanelTable.__annotations__)
        key = ".".join(map(str, first["loc"]))
        raise ConfigError(words, at=f"{path}: {key}") from None


def bring_in(told: dict[str, Any], folder: Path) -> None:
    """Where a definition of a watch.toml names a file of settings, put what it holds there."""
    definitions = told.get("definitions")
    for name, definition in definitions.items() if isinstance(definitions, dict) else ():
        learns = definition.get("learns") if isinstance(definition, dict) else None
        named = learns.get("settings") if isinstance(learns, dict) else None
        if isinstance(learns, dict) and isinstance(named, str):
            at = f"definitions.{name}.learns.settings"
            learns["settings"] = _read(folder / named, at, f"{named} ")


def _read(path: Path, at: str, named: str = "") -> dict[str, Any]:
    """The keys and values of a file, unchecked; ConfigError where it is no TOML."""
    try:
        if not path.is_file():  # a pipe is never opened: its reader waits until somebody writes
            words = "is not a regular file" if path.exists() else "is not there"
            raise ConfigError(f"{named}{words}", at=at)
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ConfigError(f"{named}is longer than {MOST_BYTES} bytes", at=at)
        return tomllib.loads(data.decode())
    except OSError as error:
        raise ConfigError(f"{named}cannot be read: {error.strerror}", at=at) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{named}is not TOML: {error}", at=at) from None
