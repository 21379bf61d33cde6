"""`tocsin coupling`: do two streams of reports move together, or by coincidence?"""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import click

from forecast.clock import utc_now
from forecast.words import parse_days, parse_percent
from jobs.cli.options import Instant, common, print_json, say

if TYPE_CHECKING:
    from pathlib import Path

    from models.coupling import Following


@click.command("coupling")
@click.argument("one", metavar="UNIT:TAGS")
@click.argument("other", metavar="UNIT:TAGS")
@click.option("--as-of", type=Instant(), help="As was known at this moment.")
@click.option("--probability", default="50%", help="That they are coupled, beforehand.")
@click.option("--half-life", default="14 days", help="How long an incident is felt.")
@common
def command(
    one: str,
    other: str,
    as_of: datetime | None,
    probability: str,
    half_life: str,
    folder: "Path",
    as_json: bool,
) -> None:
    """Say how probable it is that reports of one stream follow those of another.

    A stream is a unit and its tags, such as rus-ukr:negotiation.* (tags as in a shell,
    several with commas). Both directions are judged. That one follows is not that it is caused.
    """
    from jobs.app import open_app
    from jobs.coupling import judge

    try:
        chance, days = parse_percent(probability), parse_days(half_life)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not 0.0 < chance < 1.0 or days <= 0:
        raise click.BadParameter("the probability lies between 0% and 100%, the half-life above 0")
    with open_app(folder) as app:
        found = judge(app, one, other, as_of or utc_now(), chance, days)
    if as_json:
        print_json({"directions": [_as_json(f) for f in found]})
    else:
        for following in found:
            _say(following)


def _as_json(found: "Following") -> dict[str, object]:
    return {
        "leader": str(found.leader),
        "follower": str(found.follower),
        **asdict(found.coupling),
        "incidents": list(found.incidents),
        "days": found.days,
        "health": found.estimate.health.value,
        "reason": found.estimate.reason,
        "method": found.estimate.method,
    }


def _say(found: "Following") -> None:
    from forecast.reports.checks import coupling_words

    before, after, effect = coupling_words(found.coupling)
    say(f"{found.follower} after {found.leader}")
    say(f"  {after} ({before}), {effect}")
    leading, following = found.incidents
    say(f"  from {following} incidents after {leading}, over {found.days} days")
    if found.estimate.reason:
        say(f"  {found.estimate.health.value}: {found.estimate.reason}")
