"""The composition root: a watch folder and its store, opened together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from forecast.config import Config
from forecast.store import Store, open_store
from forecast.watch import Watch, load_watch


@dataclass(frozen=True, slots=True)
class App:
    """What every command works on; a context manager that closes the store."""

    watch: Watch
    store: Store

    @property
    def config(self) -> Config:
        """The watch's configuration."""
        return self.watch.config

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()


def open_app(folder: Path, store_url: str = "") -> App:
    """Open the watch in `folder`; ConfigError and StoreError say what is wrong, and where.

    `store_url` goes before what the watch and the environment say.
    """
    watch = load_watch(folder)
    return App(watch, open_store(store_url or watch.store_url, rule=watch.config.incidents.rule()))
