"""Two sentences are one where half of their runs of words are the same."""

from dataclasses import replace

import pytest

from jobs.tagging.likeness import KEPT, Shelf, is_same, likeness, sketch, statement_of
from tests.jobs.tagging.packs import article, tagger

SAID = "The navy sent two ships and a tanker to the coast of the gulf on Monday morning."


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (SAID, True),
        (SAID.upper().replace(".", "!"), True),
        (SAID.replace("two", "three"), True),
        (SAID.replace("on Monday morning", "on Monday, officials said"), True),
        ("On Monday the coast guard sent a tanker to the navy and two ships to the gulf.", False),
        ("Rain.", False),
    ],
)
def test_reprints_are_same_and_other_words_are_not(other: str, same: bool) -> None:
    assert is_same(sketch(SAID), sketch(other)) is same


def test_a_long_text_is_judged_by_a_part_of_it() -> None:
    long = " ".join(f"word{n}" for n in range(400))
    half = " ".join(f"word{n}" for n in range(200)) + " ".join(f"other{n}" for n in range(200))
    assert len(sketch(long)) == KEPT
    assert likeness(sketch(long), sketch(long)) == 1.0
    assert 0.15 < likeness(sketch(long), sketch(half)) < 0.5  # 1/3 of all runs


def test_what_says_nothing_is_like_nothing() -> None:
    assert likeness((), ()) == 0.0
    assert statement_of("A, b!") == statement_of("a b")


def test_a_shelf_finds_what_is_alike_in_the_order_it_was_put() -> None:
    (one,) = tagger().tag(article("Dockers walked out at the harbour."))
    said = [
        SAID,
        "Rain.",
        SAID.replace("two", "three"),
        "Short words",
        SAID.replace("navy", "fleet"),
    ]
    some = [replace(one, candidate_id=str(n), sketch=sketch(s)) for n, s in enumerate(said)]
    shelf = Shelf(some)
    expected = [c.candidate_id for c in some if is_same(c.sketch, some[0].sketch)]
    assert [c.candidate_id for c in shelf.alike(some[0])] == expected == ["0", "2", "4"]
    assert [c.candidate_id for c in shelf.alike(some[3])] == ["3"]
