"""How candidates are shown: as a table, as JSON, and as text with what matched in brackets."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from forecast.candidate import Candidate, Span, pieces
from forecast.clock import format_instant
from jobs.cli.options import cell, print_json, say, stdout_console

if TYPE_CHECKING:
    from rich.text import Text

SHORT = 8  # letters of an id that are shown
_STYLES = {"hit": "bold green", "needs": "green", "unit": "cyan", "cue": "bold red", "date": "blue"}
_MARKS = {
    "hit": ("[", "]"),
    "needs": ("(", ")"),
    "unit": ("{", "}"),
    "cue": ("!", "!"),
    "date": ("<", ">"),
}


def marked(text: str, start: int, spans: Iterable[Span]) -> "Text":
    """A piece of a body that begins at `start`, with what matched in brackets and in colour.

    [hit], (what it needs), {name of a unit}, !cue! and <date>: a colour alone tells nothing.
    """
    from rich.text import Text

    found = Text()
    for piece, role in pieces(text, start, spans):
        if role:
            left, right = _MARKS[role]
            found.append(f"{left}{cell(piece).plain}{right}", style=_STYLES[role])
        else:
            found.append_text(cell(piece))
    return found


def print_table(candidates: Sequence[Candidate]) -> None:
    """The candidates by number, one a row; their sentences stand above it."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in ("", "tag", "unit", "value", "score", "occurred"):
        table.add_column(name, overflow="fold")
    for number, one in enumerate(candidates, 1):
        table.add_row(*map(cell, (f"{number}.", one.tag, one.unit, *_numbers(one))))
    stdout_console().print(table)


def say_candidate(one: Candidate) -> None:
    """A candidate in two lines: what it states by whose word, and its sentence."""
    value, score, day = _numbers(one)
    source = one.source or "no source"
    if one.origin and one.origin != one.source:
        source += f", from {one.origin}"
    copies = f"  copies {one.copy_of[:SHORT]}" if one.copy_of else ""
    say(
        f"{one.candidate_id[:SHORT]}  {one.tag} at {one.unit}  value {value}, score {score}  "
        f"{day}  {source}{copies}"
    )
    stdout_console().print("    ", marked(one.sentence, one.sentence_start, one.spans), sep="")


def _numbers(one: Candidate) -> tuple[str, str, str]:
    return f"{one.value:.2f}", f"{one.score:.2f}", f"{one.occurred_at:%Y-%m-%d}"


def as_json_object(one: Candidate) -> dict[str, Any]:
    """A candidate in JSON: spans count in the article's body, in characters."""
    names = (
        "candidate_id", "article_id", "report_id", "status", "rule_id", "tag", "unit", "value",
        "score", "sentence", "sentence_start", "source", "origin", "url", "title", "copy_of",
    )  # fmt: skip
    told: dict[str, Any] = {name: getattr(one, name) for name in names}
    told["occurred_at"] = format_instant(one.occurred_at)
    told["known_at"] = format_instant(one.known_at)
    told["spans"] = [
        {"start": s.start, "end": s.end, "text": s.text, "role": s.role} for s in one.spans
    ]
    told["reasons"] = list(one.reasons)
    return told


def say_judged(candidates: Sequence[Candidate], as_json: bool) -> None:
    """What became of candidates."""
    if as_json:
        told = [as_json_object(one) for one in candidates]
        print_json({"schema_version": 1, "candidates": told})
        return
    for one in candidates:
        became = f", report {one.report_id}" if one.status == "confirmed" else ""
        say(f"{one.candidate_id[:SHORT]}  {one.tag} at {one.unit}: {one.status}{became}")
