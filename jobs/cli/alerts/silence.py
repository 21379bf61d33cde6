"""`tocsin alerts silence`: what fits is not to ring for a while."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from forecast.errors import UsageError
from forecast.words import parse_days
from jobs.app import open_app
from jobs.cli.options import Instant, common, print_json, say

if TYPE_CHECKING:
    from forecast.alert import Silence
    from jobs.silencing import Covered

SHOWN = 10


@click.command("silence")
@click.option("--rules", multiple=True, metavar="PATTERN", help="Which rules; all if none.")
@click.option("--questions", multiple=True, metavar="PATTERN", help="On which questions.")
@click.option("--units", multiple=True, metavar="PATTERN", help="On which units.")
@click.option("--tags", multiple=True, metavar="PATTERN", help="Whose model hears which tags.")
@click.option("--severities", multiple=True, metavar="PATTERN", help="Of which severities.")
@click.option("--for", "span", metavar="'8 hours'", help="For how long.")
@click.option("--until", type=Instant(), help="Until when, instead.")
@click.option("--from", "start", type=Instant(), help="From when; now if not given.")
@click.option("--reason", required=True, help="Why, for all who wonder that nothing rings.")
@common
def command(
    rules: tuple[str, ...],
    questions: tuple[str, ...],
    units: tuple[str, ...],
    tags: tuple[str, ...],
    severities: tuple[str, ...],
    span: str | None,
    until: datetime | None,
    start: datetime | None,
    reason: str,
    folder: Path,
    as_json: bool,
) -> None:
    """Keep what fits from ringing for a while; what still fires at the end rings then.

    Patterns are as in a shell; give an option again for more. A question may be a unit or a
    channel, as its rule has it. What has rung still says when it is over.
    """
    from forecast.alert import Selector

    given = (rules, questions, units, tags, severities)
    if not any(given):
        raise UsageError("say what to silence; --rules '*' is everything")
    selector = Selector(*(patterns or ("*",) for patterns in given))
    now = utc_now()
    starts_at = start or now
    ends_at = _end(starts_at, span, until)
    if ends_at <= now:
        raise UsageError(f"that silence is over already, since {format_instant(ends_at)}")
    with open_app(folder) as app:
        from jobs.prior_ledger import author_name
        from jobs.silencing import check_severities, covered, new_silence

        check_severities(severities)
        silence = new_silence(selector, author_name(), reason, starts_at, ends_at)
        app.store.alerts.add_silence(silence, now)
        found = covered(app, selector, now)
    if as_json:
        print_json(_as_json(silence, found))
    else:
        _say(silence, found)


def _end(starts_at: datetime, span: str | None, until: datetime | None) -> datetime:
    if (span is None) == (until is None):
        raise UsageError("give either --for or --until")
    if until is not None:
        return until
    try:
        return starts_at + timedelta(days=parse_days(str(span)))
    except (ValueError, OverflowError) as error:
        raise UsageError(str(error), at="--for") from None


def _say(silence: "Silence", found: "list[Covered]") -> None:
    from alerts.phrases import minute

    ident, until = silence.silence_id, minute(silence.ends_at)
    say(f"{ident}: silent until {until}; `tocsin alerts unsilence {ident}` ends it")
    if not found:
        say("It covers nothing today: no rule that fits watches anything that fits.")
    for one in found[:SHOWN]:
        fires = ", which fires now" if one.is_firing else ""
        say(f"  {one.target.rule} on {one.target.question}{fires}")
    if len(found) > SHOWN:
        say(f"  and {len(found) - SHOWN} more")


def _as_json(silence: "Silence", found: "list[Covered]") -> dict[str, Any]:
    return {
        "schema_version": 1,
        "id": silence.silence_id,
        "author": silence.author,
        "reason": silence.reason,
        "starts_at": format_instant(silence.starts_at),
        "ends_at": format_instant(silence.ends_at),
        "covers": [
            {"rule": c.target.rule, "subject": c.target.question, "is_firing": c.is_firing}
            for c in found
        ],
    }
