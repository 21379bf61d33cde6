"""`tocsin questions open`: a new question, if its criteria can be checked."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.clock import format_instant, utc_now
from jobs.cli.options import common, note, print_json, say

if TYPE_CHECKING:
    from jobs.opening import Opened


@click.command("open")
@click.option("--id", "question_id", required=True, help="Its id, for ever.")
@click.option("--title", required=True, help="What is asked, in a sentence.")
@click.option("--unit", required=True, help="At which unit.")
@click.option("--definition", required=True, help="What kind of event counts.")
@click.option("--opens-at", default="", help="When its window opens; now if not given.")
@click.option("--deadline", required=True, help="When its window ends; a date is its last second.")
@click.option("--criteria", default="", help="When it ends yes, and by whose word.")
@click.option("--source", default="", help="By whose word, where the criteria do not say it.")
@click.option("--at-least", default="", metavar="N", help="How many events; one if not given.")
@click.option("--notes", default="", help="Remarks beside the criteria.")
@click.option("--backdated", is_flag=True, help="Its window may lie in the past.")
@common
def command(
    question_id: str,
    title: str,
    unit: str,
    definition: str,
    opens_at: str,
    deadline: str,
    criteria: str,
    source: str,
    at_least: str,
    notes: str,
    backdated: bool,
    folder: Path,
    as_json: bool,
) -> None:
    """Open a question, if two readers would see it end alike.

    It is refused unless its criteria say when it ends yes ("Yes if ..."), by whose word (as
    reported by ..., an address, or --source) and every time of day with its zone; unless
    watch.toml knows its kind of event and its unit; and where its window is over or it is
    answered already. Vague words are pointed out. A file of questions goes in by `ingest`.
    """
    from jobs.app import open_app
    from jobs.opening import open_question

    cells = {
        "question_id": question_id,
        "title": title,
        "unit": unit,
        "definition": definition,
        "opens_at": opens_at,
        "deadline": deadline,
        "resolution_criteria": criteria,
        "at_least": at_least,
        "notes": notes,
    }
    with open_app(folder) as app:
        opened = open_question(app, cells, source, utc_now(), is_backdated=backdated)
    _say(opened, as_json)


def _say(opened: "Opened", as_json: bool) -> None:
    question = opened.question
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "question_id": question.question_id,
                "is_new": opened.is_new,
                "opens_at": format_instant(question.opens_at),
                "deadline": format_instant(question.deadline),
                "resolution_criteria": question.resolution_criteria,
                "notes": list(opened.notes),
            }
        )
        return
    window = f"{format_instant(question.opens_at)} to {format_instant(question.deadline)}"
    became = "is open" if opened.is_new else "is known already"
    say(f"{question.question_id} {became}: {window}")
    say(f"  {question.resolution_criteria}")
    for words in opened.notes:
        note(f"tocsin: {question.question_id}: {words}")
