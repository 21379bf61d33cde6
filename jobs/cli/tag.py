"""`tocsin tag`: what an article states by the rules of the packs; asked before it is written."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import parse_instant, utc_now
from forecast.errors import UsageError
from jobs.cli.inbox.words import as_json_object, marked, print_table
from jobs.cli.options import common, note, print_json, say, stdout_console
from jobs.cli.questions.acting import author_or_user

if TYPE_CHECKING:
    from forecast.article import Article
    from forecast.candidate import Candidate
    from jobs.tagging.asking import Verdict
    from jobs.tagging.measuring import Measured

MOST_SHOWN = 20_000  # characters of a body; of a longer one, the sentences that matched


@click.command("tag")
@click.argument("articles", nargs=-1, required=True, metavar="ARTICLE...")
@click.option("--url", default="", help="Where it was published: its name for ever.")
@click.option("--title", default="", help="Its title; else the first line, if that is short.")
@click.option("--source", default="", help="The outlet.")
@click.option("--published", help="When: a day, or a time with its zone; now if not given.")
@click.option("--yes", is_flag=True, help="Confirm all that is found.")
@click.option("--dry-run", is_flag=True, help="Only look.")
@click.option("--against", type=click.Path(path_type=Path), help="Hold it against these reports.")
@click.option("--against-source", default="", help="Those of them that are of this source.")
@click.option("--by", "author", default="", help="Who says so (TOCSIN_AUTHOR, or the user).")
@common
def command(
    articles: tuple[str, ...],
    url: str,
    title: str,
    source: str,
    published: str | None,
    yes: bool,
    dry_run: bool,
    against: Path | None,
    against_source: str,
    author: str,
    folder: Path,
    as_json: bool,
) -> None:
    """Show what ARTICLE states by the rules of the packs, and ask before anything is written.

    ARTICLE is a text, or JSON lines of articles; - is standard input. What matched is in brackets:
    [hit], (what it needs), {unit}, !cue!, <date>. Where nobody can be asked nothing is written
    without --yes. What is neither confirmed nor rejected waits in `tocsin inbox`.
    """
    from jobs.app import open_app
    from jobs.tagging.articles import Told, read_articles
    from jobs.tagging.loading import tagger_of

    if yes and dry_run:
        raise UsageError("--yes writes and --dry-run does not: one of the two, please")
    told, now = Told(url, title, source, _published(published)), utc_now()
    stdin = sys.stdin.buffer if "-" in articles else None
    read = [one for path in articles for one in read_articles(path, told, now, stdin)]
    with open_app(folder) as app:
        tagger = tagger_of(app.watch)
        if tagger is None:
            raise UsageError("watch.toml has no [tagging] with packs", at="tagging")
        found = [(article, tagger.tag(article)) for article in read]
        candidates = [one for _, some in found for one in some]
        if not as_json:
            _show(found, candidates)
        verdicts = _verdicts(candidates, yes, dry_run or against is not None)
        if verdicts is not None:
            from jobs.tagging.asking import write

            write(app, read, candidates, verdicts, author_or_user(author), now)
    _end(candidates, verdicts, _measured(candidates, against, against_source), as_json)


def _published(text: str | None) -> datetime | None:
    """A bare date is its last second, as in a file of reports."""
    try:
        return parse_instant(text, end_of_day=True) if text else None
    except ValueError as error:
        raise UsageError(str(error), at="--published") from None


def _show(found: "list[tuple[Article, list[Candidate]]]", candidates: "list[Candidate]") -> None:
    number = 0
    for article, some in found:
        number = _show_article(article, some, number)
    if candidates:
        say("")
        print_table(candidates)
    else:
        say("no rule found anything")


def _show_article(article: "Article", found: "list[Candidate]", number: int) -> int:
    """Print a body sentence by sentence, under each what was found in it; the last number."""
    from jobs.tagging.tagger import body_of
    from jobs.tagging.words import sentences

    body, console = body_of(article), stdout_console()
    at: dict[int, list[tuple[int, Candidate]]] = {}
    for n, one in enumerate(found, number + 1):
        at.setdefault(one.sentence_start, []).append((n, one))
    for sentence in sentences(body):
        here = at.get(sentence.start, [])
        if not here and len(body) > MOST_SHOWN:
            continue
        spans = [span for _, one in here for span in one.spans]
        console.print(marked(sentence.text, sentence.start, spans), soft_wrap=True)
        for n, one in here:
            say(f"    {n}. {one.tag} at {one.unit}: {'; '.join(one.reasons)}")
    return number + len(found)


def _verdicts(
    candidates: "list[Candidate]", yes: bool, dry_run: bool
) -> "dict[str, Verdict] | None":
    """What is to become of each candidate, by id; None where nothing is to be written."""
    from jobs.tagging.asking import CONFIRMED, ask_each

    if dry_run or not candidates:
        return None
    if yes:
        return {one.candidate_id: CONFIRMED for one in candidates}
    if not sys.stdin.isatty():
        note("tocsin: nobody is there to be asked: nothing was written; --yes confirms all")
        return None
    return ask_each(candidates, lambda words: str(click.prompt(words, default="", err=True)))


def _measured(
    candidates: "list[Candidate]", against: Path | None, source: str
) -> "Measured | None":
    if against is None:
        return None
    from jobs.tagging.measuring import measure, reports_of

    wanted = reports_of(against, source)
    if not wanted:
        raise UsageError(f"holds no report of the source '{source}'", at=str(against))
    return measure(candidates, [(report.tag, report.unit) for report in wanted])


def _end(
    candidates: "list[Candidate]",
    verdicts: "dict[str, Verdict] | None",
    measured: "Measured | None",
    as_json: bool,
) -> None:
    if as_json:
        body: dict[str, Any] = {
            "schema_version": 1,
            "candidates": [as_json_object(one) for one in candidates],
            "written": verdicts is not None,
        }
        if measured is not None:
            body["precision"], body["recall"] = measured.precision, measured.recall
        print_json(body)
        return
    if measured is not None:
        _say_measured(measured)
    if verdicts is not None:
        count = sum(verdict.status == "confirmed" for verdict in verdicts.values())
        say(f"{count} confirmed, {len(candidates) - count} others; `tocsin inbox` lists them")


def _say_measured(measured: "Measured") -> None:
    say("")
    for kind in measured.kinds():
        part = measured.of(kind)
        right, found, wanted = (c.total() for c in (part.right, part.found, part.wanted))
        say(f"{kind[0]} at {kind[1]}: {right} right of {found} found, {wanted} wanted")
    say(f"precision {_percent(measured.precision)}, recall {_percent(measured.recall)}")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
