"""How candidates are shown: as a table, as JSON, and as text with what matched in brackets."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from forecast.candidate import Candidate, Span
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

    found, at = Text(), 0
    for span in _apart(spans, start, start + len(text)):
        first, last = span.start - start, span.end - start
        left, right = _MARKS[span.role]
        found.append_text(cell(text[at:first]))
        inside = cell(text[first:last]).plain
        found.append(f"{left}{inside}{right}", style=_STYLES[span.role])
        at = last
    found.append_text(cell(text[at:]))
    return found


def _apart(spans: Iterable[Span], start: int, end: int) -> list[Span]:
    """Those of the spans in [start, end) that do not overlap, hits and cues going first."""
    ranks = {role: n for n, role in enumerate(("hit", "cue", "date", "needs", "unit"))}
    kept: list[Span] = []
    for span in sorted(set(spans), key=lambda span: (ranks[span.role], span.start)):
        is_inside = start <= span.start and span.end <= end
        if is_inside and all(span.end <= o.start or o.end <= span.start for o in kept):
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)


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
