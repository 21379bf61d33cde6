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
