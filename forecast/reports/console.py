"""Sections of a report on a Rich console that the caller brings.

Rich is imported inside the functions. A table that is wider than the console leaves out its
columns of the highest rank, and says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Literal

from forecast.reports.phrases import clean
from forecast.reports.table import Section, Table

if TYPE_CHECKING:
    from rich.console import Console

_GAP = 2
_NARROW = 24  # a column of words can wrap, and is thought to need no more than this
_LONG_NAME = 30  # a longer name may be broken
_LONGEST = 24  # rows of a table that a sentence above it sums up


def print_section(console: Console, section: Section, width: int) -> None:
    """Title, words, facts and table; of a folded table the last rows."""
    print_line(console, f"\n{section.title}", "bold")
    for words in section.words:
        print_paragraph(console, words, "", width)
    if section.facts:
        _facts(console, section.facts, width)
    if section.table is not None:
        if section.facts:
            print_line(console, "", "")
        print_table(console, section.table, width, _LONGEST if section.folded else None)
    for words in section.after:
        print_line(console, words, "dim", width)


def _facts(console: Console, facts: Sequence[tuple[str, str]], width: int) -> None:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, show_header=False, padding=(0, _GAP, 0, 0), pad_edge=False)
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, words in facts:
        grid.add_row(Text(name), Text(words))
    console.print(grid, width=width)


def print_table(console: Console, table: Table, width: int, most: int | None = None) -> None:
    """The columns that fit; of a folded table the last rows, which are the newest or highest."""
    from rich.table import Table as Grid
    from rich.text import Text

    kept = fitting(table, width)
    grid = Grid(box=None, padding=(0, _GAP, 0, 0), header_style="dim", pad_edge=False)
    names = [wrap(table.columns[n].name, _needed(table, n)) for n in kept]
    tallest = max(len(lines) for lines in names)
    for n, lines in zip(kept, names, strict=True):
        column, name = table.columns[n], "\n".join([""] * (tallest - len(lines)) + lines)
        justify: Literal["left", "right"] = "right" if column.is_number else "left"
        grid.add_column(Text(name), justify=justify, overflow="fold", no_wrap=_is_whole(table, n))
    first = max(len(table.rows) - most, 0) if most else 0
    for number, row in enumerate(table.rows):
        if number >= first:
            style = "bold" if number == table.marked else ""
            grid.add_row(*(Text(row[n], style) for n in kept))
    console.print(grid, width=width)
    _left_out(console, table, kept, first, width)


def _left_out(console: Console, table: Table, kept: Sequence[int], first: int, width: int) -> None:
    names = [name for n in _said(table) if n not in kept and (name := table.columns[n].name)]
    said = [f"{first} earlier rows"] if first else []
    said += [f"no room for: {', '.join(names)}"] if names else []
    if said:
        print_line(console, "; ".join(said), "dim", width)


def fitting(table: Table, width: int) -> list[int]:
    """The columns that fit into `width`, left to right; those of rank 0 always stand."""
    kept = _said(table)
    while sum(_needed(table, n) + _GAP for n in kept) - _GAP > width:
        last = max(kept, key=lambda n: (table.columns[n].rank, n))
        if table.columns[last].rank == 0:
            break
        kept.remove(last)
    return kept


def _said(table: Table) -> list[int]:
    """The columns that say anything in some row, and the first."""
    return [n for n in range(len(table.columns)) if not n or any(row[n] for row in table.rows)]


def _is_whole(table: Table, number: int) -> bool:
    """Whether a column is never broken: numbers, and names such as tags unless they are long."""
    cells = [row[number] for row in table.rows]
    return table.columns[number].is_number or all(
        len(cell) <= _LONG_NAME and not any(map(str.isspace, cell)) for cell in cells
    )


def _needed(table: Table, number: int) -> int:
    """The longest cell, or the longest word of the name above, which may stand in lines."""
    column = table.columns[number]
    parts = [*column.name.split(), *(row[number] for row in table.rows)]
    longest = max([len(part) for part in parts], default=1)
    return longest if column.is_number else min(longest, _NARROW)


def print_paragraph(console: Console, words: str, style: str, width: int) -> None:
    """Other people's words in one paragraph."""
    print_line(console, clean(words), style, width)


def print_line(console: Console, words: str, style: str, width: int | None = None) -> None:
    """Words of ours as they are, which Rich is not to read as markup."""
    from rich.text import Text

    console.print(Text(words, style), width=width)
