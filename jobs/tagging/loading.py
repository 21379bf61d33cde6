"""The tagger of a watch: its packs read, checked against its names, and compiled once."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from forecast.config import Config
from forecast.errors import ConfigError
from forecast.names import did_you_mean
from forecast.tagging_table import Pack, TaggingTable, Turned, read_pack
from forecast.watch import Watch
from jobs.tagging.book import Book, compile_packs
from jobs.tagging.tagger import Tagger


def tagger_of(watch: Watch) -> Tagger | None:
    """The tagger by the packs that a watch names; None where it names none.

    ConfigError names the pack and the rule that is wrong.
    """
    table = watch.config.tagging
    if table is None:
        return None
    packs = packs_of(watch.folder, table)
    for name, pack in packs:
        check_names(name, pack, watch.config)
    return Tagger(_book(tuple(packs)), table.min_score)


def packs_of(folder: Path, table: TaggingTable) -> list[tuple[str, Pack]]:
    """The packs by the name of their file, which stands in the watch's folder."""
    return [(name, read_pack(folder / name)) for name in table.packs]


def check_names(name: str, pack: Pack, config: Config) -> None:
    """ConfigError where a pack speaks of a unit or a tag that the watch does not know."""
    for number, unit in enumerate(pack.units):
        _check(unit.unit, config.units, f"{name}: units.{number}.unit", "unit")
    for rule in pack.rules:
        at = f"{name}: rules.{rule.id}"
        for named in rule.units:
            _check(named, config.units, f"{at}.units", "unit")
        turned = [e for e in (rule.negated, rule.hypothetical) if isinstance(e, Turned) and e.tag]
        for tag in (rule.tag, *(effect.tag or "" for effect in turned)):
            _check(tag, config.indicators, f"{at}.tag", "indicator")


def _check(name: str, known: Mapping[str, object], at: str, what: str) -> None:
    if name not in known:
        words = f"no {what} '{name}' in watch.toml{did_you_mean(name, known)}"
        raise ConfigError(words, at=at)


@lru_cache(maxsize=8)
def _compiled(key: tuple[tuple[str, str], ...]) -> Book:
    return compile_packs((name, Pack.model_validate_json(text)) for name, text in key)


def _book(packs: tuple[tuple[str, Pack], ...]) -> Book:
    """Compiled once for equal packs: a service reads articles every minute."""
    return _compiled(tuple((name, pack.model_dump_json()) for name, pack in packs))
