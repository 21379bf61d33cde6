"""Editing watch.toml in place: comments, order and mode stay, and a bad edit never lands."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.config import Config
from forecast.errors import ConfigError, OutsideError, UsageError
from forecast.watch import FILE_NAME, parse_config, read_config

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


@dataclass(frozen=True, slots=True)
class Edit:
    """An edited watch.toml that was checked and is not yet written; `before` is as it stands."""

    path: Path
    before: bytes
    text: str
    config: Config

    def save(self) -> None:
        """Replace the file in one step; UsageError where somebody edited it meanwhile."""
        try:
            if self.path.read_bytes() != self.before:
                words = "was edited meanwhile; look at it and try again"
                raise UsageError(words, at=str(self.path))
            _replace(self.path, self.text.encode())
        except OSError as error:
            words = f"cannot be written: {error.strerror}"
            raise OutsideError(words, at=str(self.path)) from None


def edit_watch(folder: Path, change: Callable[["TOMLDocument"], None]) -> Edit:
    """Apply `change` to the document; ConfigError where it is not valid, before or after."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    path = (folder / FILE_NAME).resolve()  # a link stays one
    read_config(path)
    before = path.read_bytes()
    try:
        document = tomlkit.parse(before.decode())
        change(document)
        text = document.as_string()
    except TOMLKitError as error:
        raise ConfigError(f"cannot be edited in place: {error}", at=str(path)) from None
    return Edit(path, before, text, parse_config(text, str(path)))


def _replace(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, mode & 0o7777)
            os.fsync(descriptor)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
