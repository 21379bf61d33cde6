"""`tocsin explain`: what an estimate rests on, and what would change it. Never a cause."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.cli.options import Instant, common, print_json, stdout_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from forecast.explanation import (
        Explanation,
        IncidentPart,
        Part,
        Scaling,
        Scenario,
        Swing,
        TagPart,
    )
    from jobs.explain import Explained

TAGS, INCIDENTS, SWINGS, NOTES = 5, 2, 5, 5  # that are shown; --json has all
STRONGEST, WORTHIEST = 3, 3  # reports to come
MARKS = {"fires": "▲ fires", "holds": "‖ holds", "clears": "▽ clears"}
COMPONENTS = {
    "base rate": "the base rate",
    "unit spread": "the spread of units",
    "ceiling": "the ceiling",
    "effects": "the effects of tags",
    "prior": "all of these",
    "likelihood": "the data",
}
VERDICTS = {
    "none": "Prior and data agree.",
    "strong prior": "The beliefs carry the number and the data say little yet: normal for rare "
    "events.",
    "possible": "Beliefs and data both pull at the number; no alert hangs on it.",
    "conflict": "Beliefs and data contradict each other: look at the base rate before acting.",
}


@click.command("explain")
@click.argument("question_id", metavar="QUESTION")
@click.option("--as-of", type=Instant(), help="Explain the newest estimate at that moment.")
@common
def command(question_id: str, as_of: datetime | None, folder: Path, as_json: bool) -> None:
    """Show what the estimate of QUESTION rests on, and what would change it.

    From the stored draws: nothing is fitted and nothing is written.
    """
    from jobs.app import open_app
    from jobs.explain import explain_question, explained_json

    with open_app(folder) as app:
        found = explain_question(app, question_id, as_of)
    if as_json:
        print_json(explained_json(found))
    else:
        print_explained(found, stdout_console())


def print_explained(found: "Explained", console: "Console") -> None:
    """The explanation on a console, from the sentence down to what it rests on."""
    from rich.text import Text

    from forecast.reports.phrases import clean

    width = min(console.width, 100)
    console.print(Text(clean(found.question.title, 300), "bold"), width=width)
    console.print(Text(_opening(found)), width=width)
    for remark in found.remarks:
        console.print(Text(f"‖ {clean(remark, 500)}"), width=width)
    _section(console, "What the model assumes of the signs", _parts(found))
    _section(console, "Last move", _moved(found))
    _section(console, "Without it, would we still alert?", _left_out(found))
    _section(console, "What would change our mind", _changes(found))
    _section(console, "If a belief were weaker or stronger", _scalings(found))
    _section(console, "If a belief lay at either end of its range", _swings(found))
    console.print(Text(f"\n{_reading(found)}"), width=width)
    notes = sorted(found.explanation.notes, key=lambda note: not note.blocks)
    for note in notes[:NOTES]:
        mark = "!" if note.blocks else "·"
        console.print(Text(f"{mark} {clean(note.words, 300)}."), width=width)
    if len(notes) > NOTES:
        console.print(Text(f"· and {len(notes) - NOTES} more notes."))


def _opening(found: "Explained") -> str:
    from forecast.likelihood import percent
    from forecast.reports.phrases import deadline_words, instant_words

    explanation, question = found.explanation, found.question
    error = f" ± {100 * explanation.mcse:.1f}" if explanation.mcse else ""
    words = f"{percent(explanation.probability, 1).removesuffix(' %')}{error} %"
    words += f" {deadline_words(question.deadline)}, as of {instant_words(explanation.as_of)}."
    if explanation.whole is None:
        return f"{words} It rests on the base rate and the count of events alone."
    if not explanation.tags:
        return f"{words} No sign is felt now."
    whole = _times(explanation.whole)
    return f"{words} With all signs the model assumes {whole} of the hazard with none."


def _parts(found: "Explained") -> "Table | None":
    tags = found.explanation.tags
    if not tags:
        return None
    table = _table("sign", "hazard", "band", "age", "faded to", "credible", "sources")
    for tag in tags[:TAGS]:
        _add(table, *_tag_cells(tag), style="bold")
        for incident in tag.incidents[:INCIDENTS]:
            _add(table, *_incident_cells(incident), url=_link(incident))
        if len(tag.incidents) > INCIDENTS:
            _add(table, f"  and {len(tag.incidents) - INCIDENTS} more")
    if len(tags) > TAGS:
        _add(table, f"and {len(tags) - TAGS} more tags")
    return table


def _tag_cells(tag: "TagPart") -> tuple[str, ...]:
    return clean_id(tag.tag), _times(tag.part, band=False), _band(tag.part)


def _incident_cells(incident: "IncidentPart") -> tuple[str, ...]:
    from forecast.reports.phrases import clean

    return (
        f"  {clean(incident.summary or incident.incident_id, 40)}",
        _times(incident.part, band=False),
        _band(incident.part),
        f"{int(incident.age_days)} d",
        _percent(incident.faded_to, 0),
        _percent(incident.credibility, 0),
        str(len(incident.newsrooms)),
    )


def _link(incident: "IncidentPart") -> str:
    from forecast.reports.phrases import safe_url

    return next((url for each in incident.urls if (url := safe_url(each))), "")


def _moved(found: "Explained") -> "Table | None":
    from forecast.likelihood import percent
    from forecast.reports.moves import CAUSES
    from forecast.reports.phrases import times

    move = found.estimate.moved
    if move is None:
        return None
    ends = f"{percent(move.from_probability, 1)} → {percent(move.to_probability, 1)}"
    table = _table("hazard times", ends)
    for cause, part in move.parts().items():
        is_noise = cause == "montecarlo" and bool(found.move_error)
        if abs(part) > 0.005 or is_noise:
            error = f" (noise of ± {found.move_error:.0%})".replace("%", " %") if is_noise else ""
            _add(table, CAUSES[cause], times(math.exp(min(part, 50.0))) + error)
    return table


def _left_out(found: "Explained") -> "Table | None":
    left_out = found.explanation.of_kind("without")
    if not left_out:
        return None
    names = [clean_id(reading.rule.rule_id) for reading in found.rules]
    table = _table("without", "P", "points", *names)
    _add(table, "(as it is)", _percent(found.explanation.probability), "", *_verdicts(found))
    for scenario in left_out:
        _add(table, _name(found, scenario), *_scenario_cells(scenario), *_verdicts(found, scenario))
    if found.explanation.untested:
        _add(
            table,
            f"{found.explanation.untested} others weigh less each",
            "",
            "",
            *[""] * len(names),
        )
    return table


def _changes(found: "Explained") -> "Table | None":
    from forecast.reports.phrases import clean

    explanation = found.explanation
    names = [clean_id(reading.rule.rule_id) for reading in found.rules]
    table = _table("if", "P", "points", *names, "in 7 days", "worth")
    rows = [(f"{s.subject} pass in silence", s) for s in explanation.of_kind("silence")]
    rows += [(f"retracted: {_name(found, s, 32)}", s) for s in explanation.of_kind("retracted")]
    rows += [(f"one more {clean(s.subject, 34)}", s) for s in _chosen(explanation)]
    for words, scenario in rows:
        chance = "" if scenario.arrival is None else _percent(scenario.arrival, 0)
        worth = "" if scenario.value is None else f"{100 * scenario.value:.2f}"
        _add(
            table,
            words,
            *_scenario_cells(scenario),
            *_verdicts(found, scenario),
            chance,
            worth,
        )
    return table if rows else None


def _chosen(explanation: "Explanation") -> list["Scenario"]:
    """The reports that would move P most, and those most worth waiting for."""
    reports = explanation.of_kind("report")
    strong = sorted(reports, key=lambda s: -abs(s.change))[:STRONGEST]
    worth = sorted(reports, key=lambda s: -(s.value or 0.0))
    return strong + [s for s in worth if s not in strong and s.value][:WORTHIEST]


def _scalings(found: "Explained") -> "Table | None":
    table = _table("strength of", "half", "× 0.8", "× 1.25", "twice", "k-hat")
    for name, words in COMPONENTS.items():
        mine = [s for s in found.explanation.scalings if s.component == name]
        if mine:
            _add(table, words, *(_scaling_cell(s) for s in mine), _khat(mine))
    return table


def _reading(found: "Explained") -> str:
    """What the strength of the beliefs comes to, and whether data contradict them."""
    verdict = VERDICTS[found.explanation.conflict.verdict]
    ends = [
        s.probability
        for s in found.explanation.scalings
        if s.component == "prior" and s.alpha in (0.5, 2.0) and not s.reason
    ]
    if len(ends) < 2:
        return verdict
    low, high = (_percent(p) for p in sorted(ends))
    span = high if low == high else f"{low.removesuffix(' %')}–{high}"
    return f"It is {span} if all beliefs are half or twice as strong. {verdict}"


def _scaling_cell(scaling: "Scaling") -> str:
    return "?" if scaling.reason else _percent(scaling.probability) + _crossing(scaling.crosses)


def _khat(scalings: Sequence["Scaling"]) -> str:
    worst = max(s.khat for s in scalings)
    return f"{worst:.2f}".replace("-", "−") if math.isfinite(worst) else ""


def _swings(found: "Explained") -> "Table | None":
    swings = found.explanation.swings
    table = _table("belief", "range", "P there")
    for swing in swings[:SWINGS]:
        _add(table, clean_id(swing.key), _range(swing), _swing_cell(swing))
    if len(swings) > SWINGS:
        _add(table, f"and {len(swings) - SWINGS} that matter less")
    return table


def _range(swing: "Swing") -> str:
    from forecast.reports.phrases import range_words

    low, high = swing.ends
    if swing.key in ("base_rate", "ceiling"):
        a_quarter = [-100 * math.expm1(-91.3125 * rate) for rate in (low, high)]
        return f"{a_quarter[0]:.3g}–{a_quarter[1]:.3g} % a quarter"
    if swing.key.endswith(".share"):
        return f"{100 * low:.0f}–{100 * high:.0f} %"
    return f"×{range_words(low, high)}"


def _swing_cell(swing: "Swing") -> str:
    if swing.reason:
        return "?"
    low, high = (_percent(p) for p in swing.at)
    return f"{low.removesuffix(' %')}–{high}{_crossing(swing.crosses)}"


def _scenario_cells(scenario: "Scenario") -> tuple[str, str]:
    if scenario.reason:
        return "?", clean_id(scenario.reason)
    error = f" ± {100 * scenario.mcse:.1f}" if scenario.mcse >= 0.0005 else ""
    points = f"{100 * scenario.change:+.1f}".replace("-", "−").replace("+0.0", "0.0")
    return _percent(scenario.probability), points.replace("−0.0", "0.0") + error


def _verdicts(found: "Explained", scenario: "Scenario | None" = None) -> list[str]:
    p = found.explanation.probability if scenario is None else scenario.probability
    return [MARKS[reading.verdict(p)] for reading in found.rules]


def _name(found: "Explained", scenario: "Scenario", length: int = 44) -> str:
    from forecast.reports.phrases import clean

    incidents = (i for tag in found.explanation.tags for i in tag.incidents)
    mine = next((i for i in incidents if i.incident_id == scenario.subject), None)
    return clean((mine and mine.summary) or scenario.subject, length)


def _crossing(levels: Iterable[float]) -> str:
    return " !" if any(True for _ in levels) else ""


def _times(part: "Part", *, band: bool = True) -> str:
    from forecast.reports.phrases import times

    middle = times(math.exp(min(part.median, 50.0)))
    return f"{middle} [{_band(part)}]" if band else middle


def _band(part: "Part") -> str:
    from forecast.reports.phrases import range_words

    return range_words(math.exp(min(part.lower, 50.0)), math.exp(min(part.upper, 50.0)))


def _percent(p: float, decimals: int = 1) -> str:
    from forecast.likelihood import percent

    return percent(p, decimals)


def clean_id(words: str) -> str:
    """Somebody's name for something, fit for one cell."""
    from forecast.reports.phrases import clean

    return clean(words, 48)


def _table(*names: str, left: int = 1) -> "Table":
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for number, name in enumerate(names):
        table.add_column(name, justify="left" if number < left else "right")
    return table


def _add(table: "Table", *cells: str, style: str = "", url: str = "") -> None:
    """A row of plain text, its first cell with a link if there is one."""
    from rich.style import Style
    from rich.text import Text

    first = Text(cells[0], Style(link=url) if url else style)
    missing = [""] * (len(table.columns) - len(cells))
    table.add_row(first, *(Text(cell, style) for cell in [*cells[1:], *missing]))


def _section(console: "Console", title: str, table: "Table | None") -> None:
    if table is None or not table.row_count:
        return
    from rich.text import Text

    console.print(Text(f"\n{title}", "bold"))
    console.print(table)
