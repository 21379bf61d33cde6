"""From a source's items to our columns, as its table in watch.toml says. Pure."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from forecast.errors import ConfigError
from forecast.intake.rows import KINDS, RowKind
from forecast.names import did_you_mean
from forecast.source_table import ARTICLES, SourceTable
from jobs.sources.api import Item
from jobs.sources.documents import as_text, at_path, time_text

ARTICLE_COLUMNS = frozenset(
    ("article_id", "title", "text", "known_at", "source", "origin", "url", "language")
    + ("reliability",)
)
TIMES = frozenset(
    ("occurred_at", "known_at", "from", "to", "at", "opens_at", "deadline", "resolved_at")
)
_IDS = ("report_id", "event_id", "coverage_id", "question_id", "article_id")
_KEPT_TEXT = 1_000

type Found = Callable[[str], Any]
"""What an item has at a path or in a column; None for nothing."""


def row_kind(table: SourceTable, brings: str) -> RowKind:
    """The kind of its rows."""
    return KINDS[table.brings or brings]


def check_mapping(table: SourceTable, brings: str) -> None:
    """ConfigError where a column that is mapped, constant or translated is none of ours."""
    what = table.brings or brings
    known = set(ARTICLE_COLUMNS) if what == ARTICLES else KINDS[what].known()
    known |= set() if what == ARTICLES else set(KINDS[what].aliases)
    for key in ("mapping", "constants", "values"):
        for column in getattr(table, key):
            if column not in known:
                words = f"{what} have no column '{column}'" + did_you_mean(column, known)
                raise ConfigError(words, at=f"sources.{table.id}.{key}")


def item_of(table: SourceTable, columns: Iterable[str], found: Found, text: str) -> Item | None:
    """One item under our columns; None where it is not meant for us.

    Without a mapping a column is the field of its name.
    """
    mapping = table.mapping or {column: column for column in columns}
    cells: dict[str, str] = {}
    wrong = ""
    for column, path in mapping.items():
        try:
            told = as_text(found(path))
            cells[column] = time_text(told, table.times) if _is_time(column) else told
        except ValueError as error:
            cells[column], wrong = "", wrong or f"{column}: {error}"
    cells |= table.constants
    for column, words in table.values.items():
        translated = words.get(cells.get(column, ""), words.get("*"))
        if translated is None:
            return None
        cells[column] = translated
    name = next((cells[n] for n in _IDS if cells.get(n)), "")
    return Item(name, cells, text[:_KEPT_TEXT], wrong)


def json_items(
    table: SourceTable, columns: Iterable[str], rows: Iterable[Any]
) -> tuple[list[Item], int]:
    """The items of a JSON array, and how many were passed over."""
    columns, items, skipped = list(columns), [], 0
    for row in rows:
        text = json.dumps(row, ensure_ascii=False)
        if not isinstance(row, Mapping):
            items.append(Item("", {}, text[:_KEPT_TEXT], "is no JSON object"))
            continue
        item = item_of(table, columns, lambda path, row=row: at_path(row, path), text)  # type: ignore[misc]
        if item is None:
            skipped += 1
        else:
            items.append(item)
    return items, skipped


def _is_time(column: str) -> bool:
    return column in TIMES or column in ("observed_at", "published_at", "since", "until")
