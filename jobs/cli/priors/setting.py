"""`tocsin priors set`: one belief, in words, or from people, classes and the past."""

import sys
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from forecast.clock import utc_now
from forecast.errors import UsageError
from jobs.app import App, open_app
from jobs.cli.options import common
from jobs.cli.priors.changing import How, change_options, change_prior, require_somebody

if TYPE_CHECKING:
    from jobs.proposals import Proposal

HAZARD, LIKELIHOOD = "hazard-ratio", "likelihood-ratio"


@dataclass(frozen=True, slots=True)
class Given:
    """From where the words are to come, as the options say."""

    words: str | None
    meant: str | None
    within: str
    pattern: str | None
    relevance: float
    events: str | None
    experts: tuple[str, ...]
    pool: str


def source_options[F](function: F) -> F:
    """Where words come from that are not stated."""
    options = (
        click.option(
            "--as",
            "meant",
            type=click.Choice([HAZARD, LIKELIHOOD]),
            help="What a range of factors is; they differ where the event is likely.",
        ),
        click.option(
            "--within",
            default="1 quarter",
            show_default=True,
            help="The window that a likelihood ratio is about.",
        ),
        click.option("--from-class", "pattern", help="A base rate from units that fit a pattern."),
        click.option(
            "--relevance",
            type=click.FloatRange(0.0, 1.0, min_open=True),
            default=1.0,
            show_default=True,
            help="What each event of --from-class or --from-events counts.",
        ),
        click.option("--from-events", "events", help="A base rate, from '3 in 12 years'."),
        click.option(
            "--expert",
            "experts",
            multiple=True,
            help="One person's range, with a weight after a colon; give it again for more.",
        ),
        click.option(
            "--pool",
            type=click.Choice(["linear", "logarithmic"]),
            default="linear",
            show_default=True,
            help="How several people's ranges become one.",
        ),
    )
    for option in reversed(options):
        function = option(function)  # type: ignore[type-var]
    return function


@click.command("set")
@click.argument("name", metavar="QUESTION|DEFINITION")
@click.argument("key")
@click.argument("words", required=False)
@source_options
@change_options
@common
def command(
    name: str,
    key: str,
    words: str | None,
    meant: str | None,
    within: str,
    pattern: str | None,
    relevance: float,
    events: str | None,
    experts: tuple[str, ...],
    pool: str,
    reason: str,
    yes: bool,
    dry_run: bool,
    as_of: datetime | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Change one belief, after a look at what it does to every question it bears on.

    KEY is one that `priors show` prints: base_rate, ceiling, unit_spread, share, effects.TAG or
    just TAG, half_life.TAG. WORDS are as in watch.toml: "5%..20% per quarter, 90% sure",
    "1.2x..3x", "30%..75%", "30 days"; or by a peak and a bound, "most likely 8%, 95% sure below
    40% per quarter"; or they come from --expert, --from-class or --from-events.
    The file is edited in place, and the change becomes a version with its author (TOCSIN_AUTHOR)
    and reason.
    """
    how = How(reason, yes, dry_run, as_of, as_json)
    given = Given(words, meant, within, pattern, relevance, events, experts, pool)
    require_somebody(how)
    with open_app(folder) as app:
        from jobs.priors import definition_named
        from jobs.retune import place_of, plan_change, sharing

        definition = definition_named(app, name)
        root = app.config.root_of(definition)
        full, place, _ = place_of(app.config, definition, key)
        proposal = _proposed(app, root, full, given, how)
        change = plan_change(app.config, definition, key, proposal.words)
        notes = list(proposal.notes)
        if place[2] in ("effects", "half_lives") and (others := sharing(app.config, root, full)):
            keep = "keeps what it has" if len(others) == 1 else "keep what they have"
            notes.append(f"for '{root}' alone: {', '.join(others)} {keep}")
        change_prior(app, root, [change], notes, how)


def _proposed(app: App, root: str, key: str, given: Given, how: How) -> "Proposal":
    from jobs import peaks, proposals
    from models.priors.pooling import Pool

    sources = [given.words, given.pattern, given.events, given.experts or None]
    if sum(source is not None for source in sources) != 1:
        raise UsageError("say WORDS, or one of --expert, --from-class and --from-events", at=key)
    if given.meant and not key.startswith("effects."):
        raise UsageError("--as goes with the effect of a tag", at=key)
    if (given.pattern or given.events) and key != "base_rate":
        raise UsageError("--from-class and --from-events are about the base_rate", at=key)
    if given.pattern is not None:
        moment = how.as_of or utc_now()
        return proposals.from_class(app, root, given.pattern, given.relevance, moment)
    if given.events is not None:
        return proposals.from_events(given.events, given.relevance)
    if given.experts:
        found = proposals.from_experts(key, given.experts, cast("Pool", given.pool))
        return found if given.meant != LIKELIHOOD else _converted(app, root, found.words, given)
    assert given.words is not None
    found = peaks.from_peak(key, given.words) or proposals.Proposal(given.words)
    given = replace(given, words=found.words)
    if key.startswith("effects.") and _meant(app, root, given, how) == LIKELIHOOD:
        return _converted(app, root, found.words, given)
    return found


def _converted(app: App, root: str, words: str, given: Given) -> "Proposal":
    from jobs.proposals import from_likelihood_ratio

    return from_likelihood_ratio(app.config, root, words, _days(given))


def _meant(app: App, root: str, given: Given, how: How) -> str:
    """What the factors are; a person is asked where nobody said and it matters."""
    from jobs.proposals import reading_differs

    if given.meant is not None:
        return given.meant
    try:
        differs = reading_differs(app.config, root, str(given.words), _days(given))
    except ValueError:  # what is no ratio is refused later, with its place
        return HAZARD
    if not differs or how.yes or how.dry_run or not sys.stdin.isatty():
        return HAZARD
    choice: str = click.prompt(
        f"Is {given.words} a factor on the hazard, or a likelihood ratio? ({differs})",
        type=click.Choice([HAZARD, LIKELIHOOD]),
        default=HAZARD,
        err=True,
    )
    return choice


def _days(given: Given) -> float:
    from forecast.words import DAYS_IN, parse_days

    try:
        days = parse_days(given.within)
    except ValueError as error:
        raise UsageError(str(error), at="--within") from None
    if days < DAYS_IN["second"]:
        raise UsageError(f"'{given.within}' is no window", at="--within")
    return days
