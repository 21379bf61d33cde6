"""A watch folder opened: watch.toml read, each mistake one line with the path of its key."""

import os
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from forecast.alert_tables import ChannelTable, Heartbeat, Quiet, RuleTable, Subscription
from forecast.compute_table import Compute
from forecast.config import (
    Config,
    Definition,
    IncidentTable,
    Indicator,
    PublishTable,
    Unit,
    WatchTable,
)
from forecast.errors import ConfigError
from forecast.fields import URL_FORM, check_store
from forecast.names import did_you_mean
from forecast.panel_table import bring_in
from forecast.retention_table import RetentionTable
from forecast.schedule_table import Schedule, Updates
from forecast.source_table import SourceTable
from forecast.tagging_table import TaggingTable
from forecast.web_table import Web

FILE_NAME = "watch.toml"
MOST_BYTES = 1 << 20  # of a watch.toml
MOST_SECRET_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Watch:
    """A watch folder and its configuration."""

    folder: Path
    config: Config

    @property
    def store_url(self) -> str:
        """The SQLAlchemy URL of the store: of TOCSIN_STORE, else of `[watch] store`.

        A path is a SQLite file of the folder. What stands behind a reference may be secret and
        paths are printed, so that has to be a URL.
        """
        override = os.environ.get("TOCSIN_STORE")
        if override:
            return store_url_of(override, self.folder, "TOCSIN_STORE")
        return store_url_of(self.config.watch.store, self.folder, "watch.store")


def store_url_of(named: str, folder: Path, at: str) -> str:
    """The URL of a store that was named by a URL, a reference to one, or a path in `folder`."""
    _check_override(named, at)
    text = resolve_reference(named, at)
    if "://" in text:
        return text
    if text != named:
        raise ConfigError(f"{named} holds no URL such as {URL_FORM}", at=at)
    return f"sqlite:///{(folder / text).resolve()}"


def load_watch(folder: Path) -> Watch:
    """Read `folder`/watch.toml; ConfigError names the key that is wrong."""
    return Watch(folder, read_config(folder / FILE_NAME))


def read_config(path: Path) -> Config:
    """Read and check one configuration file."""
    try:
        text = _text_of(path, MOST_BYTES)
    except FileNotFoundError:
        words = f"there is no {path.name} here; `tocsin init {path.parent}` makes one"
        raise ConfigError(words, at=str(path.parent)) from None
    except ValueError as error:
        raise ConfigError(str(error), at=str(path)) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", at=str(path)) from None
    return parse_config(text, str(path))


def parse_config(text: str, name: str = FILE_NAME) -> Config:
    """Check the text of a watch.toml; ConfigError names the key that is wrong."""
    try:
        told = tomllib.loads(text)
        bring_in(told, Path(name).parent)
        return Config.model_validate(told)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is not TOML: {error}", at=name) from None
    except RecursionError:
        raise ConfigError("is nested too deeply", at=name) from None
    except ValidationError as error:
        raise _config_error(error, name) from None
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise ConfigError("holds a number of too many digits", at=name) from None


def _check_override(text: str, at: str) -> None:
    try:
        check_store(text)
    except ValueError as error:
        raise ConfigError(str(error), at=at) from None


def resolve_reference(text: str, at: str) -> str:
    """The value behind `env:NAME` or `file:PATH`; other text stands for itself.

    The value never enters an error message.
    """
    kind, _, name = text.partition(":")
    if kind == "env" and name:
        value = os.environ.get(name, "")
        if not value:
            raise ConfigError(f"the environment variable {name} is not set", at=at)
        return value.strip()
    if kind == "file" and name:
        try:
            return _text_of(Path(name).expanduser(), MOST_SECRET_BYTES).strip()
        except OSError as error:
            words = f"the file {name} cannot be read: {error.strerror}"
            raise ConfigError(words, at=at) from None
        except (ValueError, RuntimeError) as error:  # RuntimeError: ~nobody has no home
            raise ConfigError(f"the file {name}: {error}", at=at) from None
    return text


def _text_of(path: Path, most: int) -> str:
    """The text of a regular file; OSError or ValueError where there is none.

    A pipe is never opened: its reader waits until somebody writes.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("is not a regular file")
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"is longer than {most} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 (byte {error.start})") from None


def _config_error(error: ValidationError, name: str) -> ConfigError:
    first = error.errors(include_url=False, include_input=False)[0]
    # pydantic names the member of a union that it tried, which is no key of the file
    keys = [part for part in first["loc"] if part != "int" and "[" not in str(part)]
    path = ".".join(map(str, keys))
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        message = "unknown key" + did_you_mean(str(first["loc"][-1]), _keys_beside(first["loc"]))
    elif first["type"] == "missing":
        message = "is missing"
    more = error.error_count() - 1
    if more:
        message += f" (and {more} more)"
    return ConfigError(message, at=f"{name}: {path}" if path else name)


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the table holding an unknown key does know."""
    tables: dict[str, type[BaseModel]] = {
        "watch": WatchTable,
        "compute": Compute,
        "units": Unit,
        "indicators": Indicator,
        "definitions": Definition,
        "rules": RuleTable,
        "channels": ChannelTable,
        "subscriptions": Subscription,
        "schedules": Schedule,
        "sources": SourceTable,
        "tagging": TaggingTable,
        "updates": Updates,
        "incidents": IncidentTable,
        "quiet": Quiet,
        "heartbeat": Heartbeat,
        "publish": PublishTable,
        "retention": RetentionTable,
        "web": Web,
    }
    table = tables.get(str(loc[0])) if len(loc) > 1 else Config
    return list(table.model_fields) if table else []
