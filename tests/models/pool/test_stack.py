"""Members are weighed by what they said before the outcome, and by the prior until that counts."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import check_grad
from scipy.special import expit, logit

from forecast.errors import InputError
from models.covariates import Array
from models.pool import stack
from models.pool.stack import PoolFit, PoolPrior, fit_pool, stack_forward

PROBABILITIES = st.floats(1e-4, 1 - 1e-4)


def world(
    seed: int, rows: int, weights: Array, sharpness: float = 1.0, shift: float = 0.0
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Members' numbers, and outcomes of which the pool with these weights is the truth."""
    rng = np.random.default_rng(seed)
    common = rng.normal(-1.5, 1.0, rows)
    logits = common[:, None] + rng.normal(0.0, 1.2, (rows, len(weights)))
    truth = expit(shift + sharpness * logits @ weights)
    return expit(logits), (rng.random(rows) < truth).astype(float), np.arange(rows)


def log_loss(p: Array, outcome: Array) -> float:
    return float(-np.mean(np.where(outcome > 0, np.log(p), np.log1p(-p))))


def test_without_a_record_it_is_the_prior_pool_exactly() -> None:
    member_p = np.array([[0.1, 0.4, 0.2], [0.9, 0.6, 0.99]])
    default = np.array([3.0, 2.0, 1.0])
    fitted = fit_pool(np.empty((0, 3)), np.empty(0), np.empty(0, int), PoolPrior(default))
    assert fitted.groups == 0
    assert fitted.sharpness == pytest.approx(1.0, abs=1e-15)
    assert fitted.shift == 0.0
    assert fitted.weights == pytest.approx(default / 6, abs=1e-15)
    assert fitted.predict(member_p) == pytest.approx(expit(logit(member_p) @ default / 6))


@given(st.lists(PROBABILITIES, min_size=1, max_size=5))
def test_members_that_agree_are_repeated_without_a_record(said: list[float]) -> None:
    fitted = fit_pool(np.empty((0, len(said))), np.empty(0), np.empty(0, int))
    alike = np.full((1, len(said)), said[0])
    assert fitted.predict(alike)[0] == pytest.approx(said[0])
    pooled = fitted.predict(np.array([said]))[0]
    assert min(said) - 1e-12 <= pooled <= max(said) + 1e-12


def test_known_weights_are_found_again() -> None:
    truth = np.array([0.6, 0.3, 0.1])
    fitted = fit_pool(*world(1, 40_000, truth))
    error = np.sqrt(np.diag(fitted.covariance))
    assert fitted.weights == pytest.approx(truth, abs=0.02)
    assert fitted.sharpness == pytest.approx(1.0, abs=0.03)
    assert abs(fitted.shift) < 4 * error[-1] + 0.02
    assert error.max() < 0.1


def test_sharpness_and_shift_are_found_again() -> None:
    fitted = fit_pool(*world(2, 40_000, np.array([0.5, 0.5]), sharpness=1.4, shift=-0.3))
    assert fitted.sharpness == pytest.approx(1.4, abs=0.05)
    assert fitted.shift == pytest.approx(-0.3, abs=0.08)


def test_overconfident_members_are_tempered_and_timid_ones_extremised() -> None:
    member_p, outcome, group = world(3, 4000, np.array([0.5, 0.5]))
    shouting, whispering = expit(1.6 * logit(member_p)), expit(0.7 * logit(member_p))
    assert fit_pool(shouting, outcome, group).sharpness < 0.8
    assert fit_pool(member_p, outcome, group).sharpness == pytest.approx(1.0, abs=0.1)
    assert fit_pool(whispering, outcome, group).sharpness > 1.2


def test_a_member_that_is_miscalibrated_loses_weight() -> None:
    member_p, outcome, group = world(4, 3000, np.array([0.5, 0.5]))
    noise = np.random.default_rng(4).normal(0.0, 2.0, len(outcome))
    spoilt = np.column_stack([member_p[:, 0], expit(logit(member_p[:, 1]) + noise)])
    before = fit_pool(member_p, outcome, group).weights[1]
    assert before > 0.45
    assert fit_pool(spoilt, outcome, group).weights[1] < before - 0.1


def test_few_questions_move_the_weights_little_and_many_much() -> None:
    truth = np.array([1.0, 0.0])
    few, many = (
        np.mean([fit_pool(*world(seed, rows, truth)).weights[0] for seed in range(20)])
        for rows in (20, 2000)
    )
    assert 0.5 < few < 0.65
    assert many > 0.9


def test_a_copy_of_a_member_adds_what_the_prior_gives_it_and_no_more() -> None:
    member_p, outcome, group = world(5, 20_000, np.array([0.3, 0.7]))
    alone = fit_pool(member_p, outcome, group)
    twice = fit_pool(member_p[:, [0, 0, 1]], outcome, group)
    assert twice.weights[0] == pytest.approx(twice.weights[1], abs=1e-4)
    copies = twice.weights[:2].sum()
    assert copies < 2 / 3 - 0.3
    assert copies == pytest.approx(alone.weights[0], abs=0.01)


@given(
    st.lists(PROBABILITIES, min_size=3, max_size=3),
    st.integers(0, 2),
    st.floats(0.001, 0.5),
)
def test_more_from_a_member_is_never_less_from_the_pool(
    said: list[float], which: int, by: float
) -> None:
    fitted = FITTED
    more = list(said)
    more[which] = min(more[which] + by, 1.0)
    low, high = fitted.predict(np.array([said, more]))
    assert low <= high


def test_the_order_of_members_and_of_rows_does_not_matter() -> None:
    member_p, outcome, group = world(6, 400, np.array([0.5, 0.4, 0.1]))
    plain = fit_pool(member_p, outcome, group)
    turned = np.random.default_rng(6).permutation(len(outcome))
    for order in permutations(range(3)):
        other = fit_pool(
            member_p[turned][:, order], outcome[turned], group[turned], PoolPrior.equal(3)
        )
        assert other.weights == pytest.approx(plain.weights[list(order)], abs=1e-3)
        assert other.sharpness == pytest.approx(plain.sharpness, abs=1e-3)


def test_many_forecasts_of_one_question_count_as_one() -> None:
    member_p, outcome, group = world(7, 60, np.array([0.9, 0.1]))
    again = np.repeat(np.arange(60), 30)
    once, often = (
        fit_pool(member_p, outcome, group),
        fit_pool(member_p[again], outcome[again], group[again]),
    )
    assert often.groups == once.groups == 60
    assert often.theta == pytest.approx(once.theta, abs=1e-3)
    assert often.covariance == pytest.approx(once.covariance, abs=1e-3)


def test_what_was_not_known_yet_teaches_nothing() -> None:
    member_p, outcome, group = world(8, 300, np.array([0.9, 0.1]))
    known = np.arange(300) < 100
    flipped = np.where(known, outcome, 1.0 - outcome)
    early = fit_pool(member_p[:100], outcome[:100], group[:100])
    for late in (outcome, flipped):
        found = fit_pool(member_p, late, group, known=known)
        assert np.array_equal(found.theta, early.theta)


def test_a_silent_member_leaves_its_weight_to_the_others() -> None:
    fitted = FITTED
    v, a, b = fitted.weights, fitted.sharpness, fitted.shift
    found = fitted.predict(np.array([[0.2, np.nan, 0.6], [np.nan] * 3]))
    mean = (v[0] * logit(0.2) + v[2] * logit(0.6)) / (v[0] + v[2])
    assert found[0] == pytest.approx(expit(b + a * mean))
    assert np.isnan(found[1])


def test_rows_in_which_members_are_silent_are_learnt_from() -> None:
    truth = np.array([0.6, 0.3, 0.1])
    member_p, outcome, group = world(9, 20_000, truth)
    # the third is silent where its number would matter least: the truth hardly changes
    gone = np.random.default_rng(9).random(len(outcome)) < 0.5
    member_p[gone, 2] = np.nan
    fitted = fit_pool(member_p, outcome, group)
    assert fitted.weights == pytest.approx(truth, abs=0.05)


def test_a_member_that_is_sure_and_wrong_is_no_veto() -> None:
    fitted = fit_pool(np.empty((0, 3)), np.empty(0), np.empty(0, int))
    p = fitted.predict(np.array([[0.0, 0.5, 0.5], [1.0, 0.5, 0.5]]))
    assert 0.01 < p[0] < p[1] < 0.99


def test_pooling_scores_better_than_any_member() -> None:
    truth = np.array([0.4, 0.4, 0.2])
    fitted = fit_pool(*world(10, 1000, truth))
    member_p, outcome, _ = world(11, 20_000, truth)
    alone = [log_loss(member_p[:, m], outcome) for m in range(3)]
    assert log_loss(fitted.predict(member_p), outcome) < min(alone) - 0.01


def test_walking_forward_uses_what_was_known_at_the_refit_and_nothing_later() -> None:
    member_p, outcome, group = world(12, 900, np.array([0.9, 0.1]))
    origin = np.arange(900.0)
    refits = np.array([300.0, 600.0])
    p = stack_forward(member_p, outcome, group, origin, origin + 30.0, refits)
    prior = fit_pool(np.empty((0, 2)), np.empty(0), np.empty(0, int))
    assert np.array_equal(p[:300], prior.predict(member_p[:300]))
    first = fit_pool(member_p[:270], outcome[:270], group[:270])
    assert p[300:600] == pytest.approx(first.predict(member_p[300:600]))
    flipped = np.where(origin >= 570, 1.0 - outcome, outcome)
    again = stack_forward(member_p, flipped, group, origin, origin + 30.0, refits)
    assert np.array_equal(p, again)


def test_the_gradient_is_that_of_the_density() -> None:
    member_p, outcome, group = world(13, 50, np.array([0.5, 0.3, 0.2]))
    member_p[::3, 1] = np.nan
    logits, said = stack._logits(member_p)
    prior = PoolPrior(np.array([0.5, 0.3, 0.2]), sharpness_sd=0.1)
    record = stack._Record(logits, said, outcome, stack.by_group(group // 2), prior)
    theta = np.array([-0.5, -1.0, -2.0, 0.3])
    off = check_grad(lambda t: record.loss(t)[0], lambda t: record.loss(t)[1], theta)
    assert off < 1e-4


def test_the_less_is_known_of_the_weights_the_wider_the_pool() -> None:
    asked = np.array([[0.1, 0.3]])
    member_p, outcome, group = world(14, 200, np.array([0.5, 0.5]))
    none = fit_pool(np.empty((0, 2)), np.empty(0), np.empty(0, int))
    # the shift's, the sharpness's times the mean logit, the weights' times the difference
    parts = (0.3, 0.25 * 1.5222, np.sqrt(0.25 / 10) * 1.3499)
    assert none.spread(asked)[0] == pytest.approx(np.linalg.norm(parts), rel=1e-3)
    assert fit_pool(member_p, outcome, group).spread(asked)[0] < 0.6 * none.spread(asked)[0]


def test_a_fit_comes_back_from_its_bytes() -> None:
    fitted = fit_pool(*world(15, 100, np.array([0.5, 0.5])))
    data = fitted.to_bytes()
    again = PoolFit.from_bytes(data)
    assert again.to_bytes() == data
    assert np.array_equal(again.theta, fitted.theta)
    with pytest.raises(ValueError, match="pickle"):
        PoolFit.from_bytes(b"nothing of ours")


def test_what_is_no_probability_or_no_outcome_is_refused() -> None:
    with pytest.raises(InputError, match="no probability"):
        FITTED.predict(np.array([[0.1, 0.2, 1.2]]))
    with pytest.raises(InputError, match="neither 0 nor 1"):
        fit_pool(np.array([[0.1, 0.2]]), np.array([0.5]), np.array([0]))


FITTED = fit_pool(*world(0, 500, np.array([0.6, 0.3, 0.1])))


def test_what_is_held_is_not_learnt() -> None:
    # an overconfident world: a and b are learnt by default, and stay where they are held
    member_p, outcome, group = world(15, 400, np.array([1.0]))
    member_p = stack.expit(1.0 + 2.0 * stack.logits_of(member_p))
    free = fit_pool(member_p, outcome, group)
    held = fit_pool(
        member_p, outcome, group, PoolPrior(np.ones(1), sharpness_sd=0.01, shift_sd=0.01)
    )
    assert free.sharpness < 0.7
    assert held.sharpness == pytest.approx(1.0, abs=0.05)
    assert held.shift == pytest.approx(0.0, abs=0.05)
