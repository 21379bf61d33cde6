"""What the commands on priors say alike: pictures, versions, changes and their previews."""

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from forecast.belief import SIGNS
from forecast.clock import format_instant
from forecast.estimate import Estimate, Health
from forecast.likelihood import percent
from forecast.prior import PriorVersion, differences
from jobs.cli.options import cell, note, plain, say, stdout_console

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from jobs.prior_preview import Preview, Record, Shift
    from jobs.priors import Belief

BLOCKS, PLAIN_BLOCKS = " ▁▂▃▄▅▆▇█", " .:-=+*#@"
type Pair = tuple["Belief | None", "Belief | None"]


def picture(heights: Sequence[float]) -> str:
    """A density in block characters; in plain ones where the terminal has no others."""
    if not heights or max(heights) <= 0:
        return ""
    can = (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "").startswith("utf")
    blocks = BLOCKS if can else PLAIN_BLOCKS
    top = max(heights)
    return "".join(blocks[round(h / top * (len(blocks) - 1))] for h in heights)


def table_of(*columns: str) -> "Table":
    """A plain table with headings."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        is_whole = column == "picture"
        table.add_column(cell(column), overflow="fold", no_wrap=is_whole)
    return table


def lines(*of_cell: str) -> "Text":
    """Several lines in one cell, whoever wrote what is in them."""
    from rich.text import Text

    return Text("\n").join(map(cell, of_cell))


def numbers_words(belief: "Belief") -> str:
    """The median and the interval of a belief."""
    return str(belief.numbers) if belief.numbers else "what it leaves"


def version_words(v: PriorVersion) -> str:
    """Which version it is, by whom, of when and why."""
    at = format_instant(v.at.replace(microsecond=0))
    return f"Version {v.version} by {v.author}, {at}: {v.reason}"


def difference_words(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What differs, one line each."""
    return [
        f"{d.key}: {d.before or '(not there)'} -> {d.after or '(not there)'}"
        for d in differences(before, after)
    ]


def print_changes(root: str, pairs: Sequence[Pair], found: "Preview") -> None:
    """Beliefs before and after, every open question, rules that flip, and the record."""
    say(f"Prior of '{root}'")
    table = table_of("key", "before", "after")
    for before, after in pairs:
        known = before or after
        key = known.key.removeprefix(SIGNS) if known else ""
        table.add_row(cell(key), _in_two_lines(before), _in_two_lines(after))
    stdout_console().print(table)
    click.echo()
    if not found.shifts:
        paragraph(_nothing_open(found.last_open))
    else:
        _print_shifts(found.shifts)
    if found.record is not None:
        click.echo()
        paragraph(record_words(found.record))


def paragraph(words: str, *, err: bool = False) -> None:
    """Prose: on a terminal broken between words, elsewhere one line."""
    stream = sys.stderr if err else sys.stdout
    if stream.isatty():
        width = max(shutil.get_terminal_size().columns, 40)
        for line in textwrap.wrap(plain(words), width, break_on_hyphens=False):
            click.echo(line, err=err)
    else:
        (note if err else say)(words)


def _in_two_lines(belief: "Belief | None") -> "Text":
    return lines(belief.words, numbers_words(belief)) if belief else cell("-")


def _nothing_open(last_open: datetime | None) -> str:
    words = "No open question depends on it."
    if last_open is None:
        return words
    moment = format_instant(last_open).removesuffix("T00:00:00Z")
    return f"{words[:-1]}; --as-of {moment} shows those that were open then."


def _print_shifts(shifts: Sequence["Shift"]) -> None:
    strengths = ["half to twice"] if any(map(_strength, shifts)) else []
    table = table_of("open question", "before", "after", *strengths)
    for column in table.columns[1:]:
        column.no_wrap = True
    for shift in shifts:
        row = [shift.question.question_id, _in_brief(shift.before), _in_brief(shift.after)]
        table.add_row(*map(cell, [*row, _strength(shift)][: len(table.columns)]))
    stdout_console().print(table)
    for shift in shifts:
        for name, estimate in (("before", shift.before), ("after", shift.after)):
            if estimate.health is not Health.HEALTHY:
                held = f"{estimate.health.value}: {estimate.reason}"
                paragraph(f"{shift.question.question_id}, {name}: {held}")
    if strengths:
        paragraph("Half to twice: P with the new belief held half and twice as strongly.")
    click.echo()
    flips = [(shift.question.question_id, flip) for shift in shifts for flip in shift.flips]
    for question, flip in flips:
        paragraph(f"rule {flip.rule_id} on {question}: {flip.before.value} -> {flip.after.value}")
    if not flips:
        say("No rule changes its mind.")


def _in_brief(estimate: Estimate) -> str:
    """A probability with its band in whole percent."""
    ends = (estimate.interval.lower, estimate.interval.upper)
    low, high = (percent(end).removesuffix(" %") for end in ends)
    return f"{percent(estimate.probability, 1)} [{low}–{high} %]"


def _strength(shift: "Shift") -> str:
    if shift.weaker is None or shift.stronger is None:
        return ""
    low, high = sorted((shift.weaker, shift.stronger))
    return f"{percent(low, 1).removesuffix(' %')}–{percent(high, 1)}"


def record_words(record: "Record") -> str:
    """What the scores of resolved questions would have been."""
    (b, a), (lb, la) = record.brier, record.log_loss
    verdict = "better" if la < lb else "worse" if la > lb else "the same"
    plural = "s" * (record.questions != 1)
    return (
        f"On {record.questions} resolved question{plural}, at {record.moments} of {record.known} "
        f"stored moments, the scores would have been {verdict}: Brier {b:.4f} -> {a:.4f}, log loss "
        f"{lb:.4f} -> {la:.4f}. Known afterwards: a prior can be fitted to the past."
    )


def belief_json(belief: "Belief") -> dict[str, Any]:
    """A belief with its numbers."""
    return {
        "key": belief.key,
        "words": belief.words,
        "numbers": asdict(belief.numbers) if belief.numbers else None,
    }


def changes_json(
    root: str, pairs: Sequence[Pair], found: "Preview", notes: Sequence[str]
) -> dict[str, Any]:
    """`before` and `after` are of the first change; `changes` are all of them."""
    changes = [
        {"before": before and belief_json(before), "after": after and belief_json(after)}
        for before, after in pairs
    ]
    first = changes[0] if changes else {"before": None, "after": None}
    return {
        "schema_version": 1,
        "root": root,
        **first,
        "changes": changes,
        "notes": list(notes),
        "questions": [_shift_json(shift) for shift in found.shifts],
        "record": found.record and asdict(found.record),
    }


def _shift_json(shift: "Shift") -> dict[str, Any]:
    return {
        "question": shift.question.question_id,
        "before": _estimate_json(shift.before),
        "after": _estimate_json(shift.after),
        "half_to_twice_as_strong": [shift.weaker, shift.stronger],
        "rules": [
            {"rule": f.rule_id, "before": f.before.value, "after": f.after.value}
            for f in shift.flips
        ],
    }


def _estimate_json(estimate: Estimate) -> dict[str, Any]:
    return {
        "probability": estimate.probability,
        "interval": asdict(estimate.interval),
        "mcse": estimate.mcse,
        "health": estimate.health.value,
        "reason": estimate.reason,
        "method": estimate.method,
    }
