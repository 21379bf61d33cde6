"""The starter pack finds what a reader finds, in the article and in summaries of reports."""

import random

import pytest

from benchmarks import tagging
from forecast.article import Article
from forecast.watch import load_watch
from jobs.tagging.loading import tagger_of
from jobs.tagging.measuring import Measured, reports_of
from jobs.tagging.tagger import Tagger
from tests.jobs.tagging.packs import AT

ON_ARTICLE = pytest.mark.skipif(
    not tagging.ARTICLE.is_file(), reason="the article is not beside the project"
)


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    found = tagger_of(load_watch(tagging.EXAMPLE))
    assert found is not None
    return found


def shares(measured: Measured) -> tuple[float, float]:
    assert measured.precision is not None
    assert measured.recall is not None
    return measured.precision, measured.recall


@ON_ARTICLE
def test_it_finds_in_the_article_what_a_reader_found(tagger: Tagger) -> None:
    measured = tagging.of_article(tagger, reports_of(tagging.EXAMPLE / "reports.csv"))
    assert measured.wanted.total() == 12
    assert min(shares(measured)) >= 0.9


def test_it_finds_most_of_what_was_held_out_when_it_was_written(tagger: Tagger) -> None:
    found = dict(tagging.qualities(tagger))
    precision, recall = shares(found["the half held out"])
    assert precision > 0.8
    assert recall > 0.6
    assert min(shares(found["the half in sight"])) > 0.95


def test_it_finds_nothing_in_other_news(tagger: Tagger) -> None:
    dice = random.Random(3)
    texts = [" ".join(dice.choices(tagging.OTHER_NEWS.split(), k=40)) for _ in range(300)]
    assert [c for text in texts for c in tagger.tag(Article("a", "", text, AT))] == []


@pytest.mark.parametrize(
    "text",
    [
        "The US could strike a drug boat off Venezuela, a minister fears.",
        "Washington denied on Monday that it had struck a boat off Venezuela.",
        "A rare flu struck hospitals in Caracas, US doctors say.",
        "Moscow denied that it had sent weapons to Caracas.",
    ],
)
def test_what_did_not_happen_is_not_taken_for_an_event(tagger: Tagger, text: str) -> None:
    found = {c.tag for c in tagger.tag(Article("a", "", text, AT))}
    events = {"military.strike-at-sea", "military.strike-on-land", "ally.arms-delivery"}
    assert found & events == set()
