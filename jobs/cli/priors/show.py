"""`tocsin priors show`: every belief, what they imply, and what the data have made of them."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.belief import FADING, SIGNS, moved_words
from forecast.clock import format_instant, utc_now
from jobs.app import open_app
from jobs.cli.options import cell, common, print_json, say, stdout_console
from jobs.cli.priors.words import (
    belief_json,
    lines,
    numbers_words,
    picture,
    table_of,
    version_words,
)

if TYPE_CHECKING:
    from rich.text import Text

    from jobs.prior_learnt import MovedAt
    from jobs.priors import Belief, PriorView


@click.command("show")
@click.argument("name", metavar="QUESTION|DEFINITION")
@click.option("--unit", default="", help="Show what the data of this unit have made of it.")
@common
def command(name: str, unit: str, folder: Path, as_json: bool) -> None:
    """Every belief in words, numbers and a small picture; what they imply, who stated them when
    and why, and how far the data of a unit have moved each. Nothing is fitted.
    """
    with open_app(folder) as app:
        from jobs.prior_learnt import moved_by_data
        from jobs.priors import definition_named, view_prior

        definition = definition_named(app, name)
        view = view_prior(app, definition)
        asked = [q for q in app.store.questions() if q.question_id == name]
        question = asked[0] if asked and name not in app.config.definitions else None
        moved = moved_by_data(app, definition, utc_now(), question, unit)
    if as_json:
        print_json(_as_json(view, moved))
    else:
        _print(view, moved)


def _print(view: "PriorView", moved: "MovedAt | None") -> None:
    inside = f" (asked for: '{view.definition}')" if view.definition != view.root else ""
    say(f"Prior of '{view.root}'{inside}, model {view.model}")
    say(_standing(view))
    if view.why:
        say(f"Why: {' '.join(view.why.split())}")
    click.echo()
    table = table_of("key", "median [90 %], in words", "picture")
    half_lives = {b.key.removeprefix(FADING): b for b in view.beliefs if b.key.startswith(FADING)}
    for belief in view.beliefs:
        if not belief.key.startswith(FADING):
            tag = belief.key.removeprefix(SIGNS)
            words = _words(belief, half_lives.get(tag), view.groups.get(tag, ""))
            table.add_row(cell(tag), words, cell(picture(belief.picture)))
    stdout_console().print(table)
    say(f"Pictures: {_axes(view)}.")
    click.echo()
    say(
        f"In 100 quarters at one unit with none of the signs you expect {view.implied.lower} to "
        f"{view.implied.upper} events of '{view.implied.definition}' (90 %)."
    )
    if moved is not None:
        _print_moved(moved)


def _words(belief: "Belief", half_life: "Belief | None", group: str) -> "Text":
    """A belief in numbers and in words; of a sign with how fast it fades, in one row."""
    fades = f", fades by half in {half_life.words}" if half_life else ""
    inside = f", group {group}" if group else ""
    return lines(f"{numbers_words(belief)}{fades}", belief.words + inside)


def _axes(view: "PriorView") -> str:
    from models.priors.say import digits

    low, high = (digits(100 * end) for end in view.axes["rates"])
    least, most = (digits(end) for end in view.axes["factors"])
    return f"rates {low}–{high} % a quarter, factors ×{least}–{most}, shares 0–100 %"


def _print_moved(moved: "MovedAt") -> None:
    click.echo()
    more = f"; {moved.others} more units have the same prior, --unit shows one" * bool(moved.others)
    say(f"What the data at '{moved.unit}' have made of it{more}:")
    if moved.beliefs:
        table = table_of("key", "believed, and now", "picture")
        for each in moved.beliefs:
            words = lines(str(each.prior), str(each.now), moved_words(each))
            pictures = map(picture, moved.pictures.get(each.key, ()))
            table.add_row(cell(each.key.removeprefix(SIGNS)), words, lines(*pictures))
        stdout_console().print(table)
    if moved.remark:
        say(f"({moved.remark})")


def _standing(view: "PriorView") -> str:
    if view.version is None:
        return "Not on record yet: the next update does that"
    edited = "" if view.is_current else "; watch.toml was edited since"
    return f"{version_words(view.version)}{edited}"


def _as_json(view: "PriorView", moved: "MovedAt | None") -> dict[str, Any]:
    version = view.version
    return {
        "schema_version": 1,
        "definition": view.definition,
        "root": view.root,
        "model": view.model,
        "why": view.why,
        "beliefs": [belief_json(b) | _group(view, b.key) for b in view.beliefs],
        "implied": {
            "definition": view.implied.definition,
            "quarters": 100,
            "events": {"lower": view.implied.lower, "upper": view.implied.upper, "mass": 0.9},
        },
        "version": version
        and {
            "version": version.version,
            "at": format_instant(version.at),
            "author": version.author,
            "reason": version.reason,
            "is_current": view.is_current,
        },
        "moved": moved and _moved_json(moved),
    }


def _moved_json(moved: "MovedAt") -> dict[str, Any]:
    return {
        "unit": moved.unit,
        "other_units": moved.others,
        "remark": moved.remark,
        "beliefs": [
            {
                "key": each.key,
                "prior": asdict(each.prior),
                "now": asdict(each.now),
                "moved_sd": each.moved,
                "narrower": each.narrower,
            }
            for each in moved.beliefs
        ],
    }


def _group(view: "PriorView", key: str) -> dict[str, str]:
    group = view.groups.get(key.removeprefix("effects."))
    return {"group": group} if group else {}
