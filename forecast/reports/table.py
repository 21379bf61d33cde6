"""What a section of a report is made of: words, facts and a table, in any format."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; a terminal that is too narrow leaves out the highest `rank` first."""

    name: str
    is_number: bool = True
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of words under their columns; `marked` is the row to look at first."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One subject of the report. `key` names it to charts and links.

    `facts` are names with their numbers. A `folded` table stands behind a chart or a sentence
    that says the same: a page hides it until it is asked for. Of a long table the first `shown`
    rows stand, and the others are folded. `after` are words below the table.
    """

    key: str
    title: str
    words: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    table: Table | None = None
    folded: bool = False
    shown: int | None = None
    after: tuple[str, ...] = ()
