"""When estimates stand and what they came to, read without all else in them."""

from dataclasses import replace

from forecast.store import Store
from tests.forecast import report_samples as samples

NAME = samples.QUESTION.question_id


def test_of_one_moment_the_last_estimate_counts_and_none_of_later(store: Store) -> None:
    first, second, third = (samples.estimate(day, p) for day, p in ((1, 0.1), (2, 0.2), (9, 0.9)))
    again = replace(second, probability=0.3, inputs_digest="b" * 64)
    other = replace(first, question_id="other")
    store.record(estimates=[first, second, third, other], recorded_at=samples.at(9))
    store.record(estimates=[again], recorded_at=samples.at(9))
    found = store.moments.probabilities([NAME, "none"], samples.at(5))
    assert found == {NAME: {samples.at(1): 0.1, samples.at(2): 0.3}}
    assert store.moments.of([NAME]) == {NAME: [samples.at(1), samples.at(2), samples.at(9)]}


def test_a_question_is_worded_as_it_was_then_and_as_today_where_nothing_was_written_down(
    store: Store,
) -> None:
    first = samples.QUESTION
    later = replace(first, notes="It came to pass.", title="Reworded")
    store.add_questions([first], samples.at(3))
    store.add_questions([later], samples.at(8))
    store.add_questions([replace(later, notes="Once more.")], samples.at(9))
    for day, title, notes, recorded in (
        (1, "Reworded", "Once more.", 9),
        (3, first.title, "", 3),
        (7.9, first.title, "", 3),
        (8, "Reworded", "It came to pass.", 8),
        (99, "Reworded", "Once more.", 9),
    ):
        found = store.moments.worded([NAME, "none"], samples.at(day))[NAME]
        assert (found.question.title, found.question.notes) == (title, notes)
        assert found.recorded_at == samples.at(recorded)


def test_the_past_is_before_the_newest_estimate_was_written_down(store: Store) -> None:
    assert store.moments.last_recorded() is None
    store.record(estimates=[samples.estimate(5, 0.1)], recorded_at=samples.at(5.5))
    store.record(estimates=[samples.estimate(2, 0.1)], recorded_at=samples.at(6))
    assert store.moments.last_recorded() == samples.at(6)
