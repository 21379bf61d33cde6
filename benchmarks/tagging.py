"""Tagging: texts a second on one core, and what the starter pack finds beside a person.

Of the 480 reports of the flagship a person tagged each; the rules were written with those of
one half in sight (by a hash of the report's id), so that the other half is the honest figure. A
report of an incident that the first half tells of as well is half known: the third line leaves
those out. A summary stands here without its article, so the names of its unit come as the title.
"""

import random
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from time import process_time

from benchmarks.rows import Row
from benchmarks.timing import say
from forecast.article import Article
from forecast.clock import parse_instant
from forecast.evidence import Report
from forecast.tagging_table import Pack, TagRule, read_pack
from forecast.watch import load_watch
from jobs.tagging import measuring
from jobs.tagging.articles import Told, read_articles
from jobs.tagging.book import compile_packs
from jobs.tagging.measuring import Measured, reports_of
from jobs.tagging.tagger import Tagger

HERE = Path(__file__).resolve().parent.parent
EXAMPLE = HERE / "examples" / "venezuela-2025"
ARTICLE = HERE.parent / "shared" / "data" / "article" / "article.txt"
SEED = "seed article"
TEXTS, WORDS = 20_000, 40
PHRASES = 2_000
NOW = parse_instant("2026-01-05")
OTHER_NEWS = (
    "the of and to in a was for on that by with as at from it city council said new year people "
    "school market company shares rose fell after team won game season film music health hospital "
    "study found price house road train weather rain minister budget tax vote party election court "
    "case police fire water energy bank report plan local national week month day time group work"
)


def measure(cache: Path, full: bool) -> Iterator[Row]:
    """The rows of the benchmark; where the article is not beside the project, it is left out."""
    tagger = tagger_of_example()
    summaries = [report.summary for report in reports_of(EXAMPLE / "reports.csv")]
    for name, share, target in (
        ("texts, none on the subject", 0.0, None),
        ("texts, one in ten on the subject", 0.1, 20_000),
        ("texts, all on the subject", 1.0, None),
    ):
        say(f"tagging of {TEXTS:,} {name}")
        yield Row(f"tagging, {name}", speed(tagger, share, summaries), "/s", at_least=target)
    many = Tagger(compile_packs([("example", example_pack()), ("made", made_up(PHRASES))]), 0.5)
    name = f"the same with {PHRASES:,} more phrases"
    yield Row(f"tagging, {name}", speed(many, 0.1, summaries), "/s", at_least=20_000)
    for name, measured in qualities(tagger):
        yield from _shares(name, measured)


def qualities(tagger: Tagger) -> Iterator[tuple[str, Measured]]:
    """What is found in the article, and in the summaries of each half of the reports."""
    reports = reports_of(EXAMPLE / "reports.csv")
    if ARTICLE.is_file():
        yield "the seed article", of_article(tagger, reports)
    else:
        say("the seed article is not beside the project: left out")
    own = [report for report in reports if report.source != SEED]
    known = {report.incident_id for report in own if not is_held_out(report)}
    halves: tuple[tuple[str, Callable[[Report], bool]], ...] = (
        ("the half in sight", lambda r: not is_held_out(r)),
        ("the half held out", is_held_out),
        ("its unknown incidents", lambda r: is_held_out(r) and r.incident_id not in known),
    )
    for name, is_in in halves:
        found = Measured()
        for report in filter(is_in, own):
            found += of_summary(tagger, report)
        yield name, found


def of_article(tagger: Tagger, reports: list[Report]) -> Measured:
    """The article against its rows in reports.csv."""
    wanted = [report for report in reports if report.source == SEED]
    told = Told(source=SEED, published=wanted[0].known_at)
    (article,) = read_articles(str(ARTICLE), told, NOW)
    return measuring.measure(tagger.tag(article), [(report.tag, report.unit) for report in wanted])


def of_summary(tagger: Tagger, report: Report) -> Measured:
    """One summary against the tag that a person gave it."""
    title = unit_titles()[report.unit]
    article = Article(report.report_id, title, report.summary, report.known_at)
    return measuring.measure(tagger.tag(article), [(report.tag, report.unit)])


def is_held_out(report: Report) -> bool:
    """Whether a report was out of sight when the rules were written."""
    return bool(sha256(report.report_id.encode()).digest()[0] % 2)


def tagger_of_example() -> Tagger:
    """The starter pack, with the score below which the example leaves candidates out."""
    table = load_watch(EXAMPLE).config.tagging
    assert table is not None
    return Tagger(compile_packs([("tagging.toml", example_pack())]), table.min_score)


def example_pack() -> Pack:
    """The starter pack."""
    return read_pack(EXAMPLE / "tagging.toml")


@cache
def unit_titles() -> dict[str, str]:
    """The names of the units, as watch.toml has them."""
    return {name: unit.title for name, unit in load_watch(EXAMPLE).config.units.items()}


def made_up(count: int) -> Pack:
    """A pack of rules with `count` phrases of two or three words that no text has."""
    dice = random.Random(2)
    rules = []
    for n in range(count // 20):
        phrases = [
            " ".join(dice.choices(OTHER_NEWS.split(), k=2)) + f" q{n}x{i}" for i in range(20)
        ]
        rules.append(TagRule(id=f"made-{n}", tag="made", units=["usa-ven"], phrases=phrases))
    return Pack(rules=rules)


def speed(tagger: Tagger, share: float, summaries: list[str]) -> float:
    """Texts of `WORDS` words a second of one core's time, `share` of them on the subject."""
    dice, news = random.Random(1), OTHER_NEWS.split()

    def words() -> str:
        if dice.random() >= share:
            return " ".join(dice.choices(news, k=WORDS)).capitalize() + "."
        text = ""
        while len(text.split()) < WORDS:
            text += f"{dice.choice(summaries)} "
        return " ".join(text.split()[:WORDS])

    articles = [Article(str(n), "", words(), NOW) for n in range(TEXTS)]
    start = process_time()
    for article in articles:
        tagger.tag(article)
    return TEXTS / (process_time() - start)


def _shares(name: str, measured: Measured) -> Iterator[Row]:
    wanted = measured.wanted.total()
    for what in ("precision", "recall"):
        share = getattr(measured, what)
        yield Row(f"{name} ({wanted}), {what}", 100 * (share or 0.0), "%")


def main() -> None:
    """Print precision and recall of each tag, in each half."""
    for name, measured in qualities(tagger_of_example()):
        print(f"\n{name}: precision {measured.precision:.2f}, recall {measured.recall:.2f}")
        for kind in measured.kinds():
            part = measured.of(kind)
            counts = [c.total() for c in (part.right, part.found, part.wanted)]
            print(f"  {kind[0]:32} {kind[1]:8} right {counts[0]:3} of {counts[1]:3}", end="")
            print(f" found, {counts[2]:3} wanted")


if __name__ == "__main__":
    main()
