"""`tocsin incidents`: which reports are taken for one thing and why; join or split them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from forecast.errors import UsageError
from jobs.cli.options import common, note, print_json, say

if TYPE_CHECKING:
    from forecast.config import IncidentTable
    from jobs.incidents import Shown

ACTS = ("join", "split")


@click.command("incidents")
@click.argument("names", nargs=-1, metavar="[QUESTION | join R1 R2... | split R...]")
@click.option("--unit", help="Those at this unit; without it and a question, those of all.")
@click.option("--limit", type=click.IntRange(min=1), default=50, help="How many, newest first.")
@click.option("--reason", "-m", default="", help="Why they are joined or split (required).")
@common
def command(
    names: tuple[str, ...],
    unit: str | None,
    limit: int,
    reason: str,
    folder: Path,
    as_json: bool,
) -> None:
    """Show which reports are taken for one real-world thing, why, and what it weighs.

    Reports belong to the incident that they state, else to one of their unit and tag by the
    rule under [incidents] in watch.toml. `join` puts reports into the incident of the first of
    them, `split` makes one of their own of the reports that are named; both are facts with
    author (TOCSIN_AUTHOR, or the user) and reason that count from now on.
    """
    if names and names[0] in ACTS:
        _override(names[0], names[1:], reason, folder, as_json)
        return
    if len(names) > 1:
        raise UsageError("incidents of one question, please, or `join` or `split` with reports")
    if names and unit:
        raise UsageError("a question has its unit: leave out --unit")
    _show(names[0] if names else None, unit, limit, folder, as_json)


def _show(question: str | None, unit: str | None, limit: int, folder: Path, as_json: bool) -> None:
    from jobs.app import open_app
    from jobs.incidents import incidents_at, units_of

    now = utc_now()
    with open_app(folder) as app:
        rule = app.config.incidents
        found = [s for u in units_of(app, question, unit) for s in incidents_at(app, u, now)]
    found.sort(key=lambda s: s.incident.known_at, reverse=True)
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "rule": {"window": rule.window, "similarity": rule.similarity},
                "incidents": [_as_json(shown) for shown in found[:limit]],
                "total": len(found),
            }
        )
        return
    say(_rule_words(rule))
    for shown in found[:limit]:
        _say(shown)
    if len(found) > limit:
        note(f"tocsin: {len(found) - limit} older ones are not shown; --limit shows more")


def _rule_words(rule: "IncidentTable") -> str:
    words = f"rule: one unit and tag, less than {rule.window} apart"
    if rule.similarity:
        words += f", words alike by {rule.similarity:.0%} where both have any"
    return words


def _say(shown: "Shown") -> None:
    from jobs.incidents import why

    incident = shown.incident
    say("")
    say(
        f"{incident.incident_id}  {shown.unit}  {incident.tag}  {incident.occurred_at:%Y-%m-%d}  "
        f"weight {incident.weight:.2f} = strength {incident.strength:.2f} "
        f"x credibility {incident.credibility:.2f}"
    )
    for placed in shown.reports:
        report = placed.report
        grade = f"{report.reliability}{report.credibility}"
        told = ": ".join(filter(None, (report.source, report.summary)))
        say(f"    {report.report_id}  {grade}  {why(placed)}  {told}")


def _as_json(shown: "Shown") -> dict[str, Any]:
    from jobs.incidents import why

    incident = shown.incident
    return {
        "incident_id": incident.incident_id,
        "unit": shown.unit,
        "tag": incident.tag,
        "occurred_at": format_instant(incident.occurred_at),
        "known_at": format_instant(incident.known_at),
        "strength": incident.strength,
        "credibility": incident.credibility,
        "weight": incident.weight,
        "reports": [
            {
                "report_id": placed.report.report_id,
                "ground": placed.ground,
                "why": why(placed),
                "alike": placed.alike,
                "hours_apart": placed.apart.total_seconds() / 3600,
                "source": placed.report.source,
                "summary": placed.report.summary,
            }
            for placed in shown.reports
        ],
    }


def _override(act: str, reports: tuple[str, ...], reason: str, folder: Path, as_json: bool) -> None:
    from jobs import incidents
    from jobs.app import open_app
    from jobs.prior_ledger import author_name

    if len(reports) < (2 if act == "join" else 1):
        raise UsageError("join takes two reports or more" if act == "join" else "split which?")
    if not reason.strip():
        raise UsageError("say why with --reason")
    with open_app(folder) as app:
        doing = incidents.join if act == "join" else incidents.split
        words = doing(app, reports, author_name(), reason.strip(), utc_now())
    if as_json:
        moved = [{"report_id": w.report_id, "incident_id": w.incident_id} for w in words]
        print_json({"schema_version": 1, "assigned": moved})
        return
    for word in words:
        say(f"{word.report_id} is of {word.incident_id} from now on")
    if not words:
        say("they are one incident already")
