"""What lies ahead against sums over all paths to come, simulation, and the rules of chance."""

import numpy as np
import pytest

from models.covariates import Array
from models.regime.density import Filtered
from models.regime.outlook import Outlook
from models.regime.update import Ahead
from tests.models.regime.reference import Chain, counts_over_all_paths

RNG = np.random.default_rng(5)
EVEN = np.zeros((1, 3))
SHARE = np.array([0.6, 1.0, 0.3])


def chains() -> list[Chain]:
    """Three fast worlds."""
    found = []
    for i in range(3):
        up, down, climb, settle = RNG.uniform(0.05, 0.35, 4)
        transition = np.array(
            [[1 - up, up, 0.0], [down, 1 - down - climb, climb], [0.0, settle, 1 - settle]]
        )
        hazard = np.array([0.02, 0.1, 0.6]) * (1 + i)
        found.append(Chain(hazard, transition, np.full(3, 1 / 3), np.zeros((0, 3))))
    return found


CHAINS = chains()
STATES = RNG.dirichlet([2.0, 2.0, 2.0], 3)
FILTERED = Filtered(
    np.zeros(3),
    STATES,
    np.stack([c.hazard for c in CHAINS]),
    np.stack([c.transition for c in CHAINS]),
)


def pieces(today: float, opening: float, end: float) -> list[tuple[bool, float]]:
    """The days from now to `end`, each with the part of it that is inside the window."""
    found: list[tuple[bool, float]] = []
    at = today
    while at < today + end:
        close = min(np.floor(at) + 1.0, today + end)
        inside = max(close - max(at, today + opening), 0.0)
        found.append((bool(found), inside))
        at = close
    return found


@pytest.mark.parametrize(
    ("today", "opening", "end"),
    [(0.0, 0.0, 1.0), (0.25, 0.0, 0.5), (0.25, 0.0, 5.5), (0.7, 1.9, 6.1), (0.5, 2.5, 7.5)],
)
def test_counts_are_the_sum_over_all_paths(today: float, opening: float, end: float) -> None:
    found = Outlook(FILTERED, today, True).at_least(SHARE, np.array([opening, end]), 4)[:, -1]
    for i, chain in enumerate(CHAINS):
        exactly = counts_over_all_paths(
            chain, STATES[i], SHARE[i], pieces(today, opening, end), most=3
        )
        assert found[i] == pytest.approx(1 - np.cumsum(exactly), abs=1e-12)


def test_edges_between_change_nothing_and_the_curve_rises() -> None:
    outlook = Outlook(FILTERED, 0.4, True)
    edges = np.array([0.0, 0.3, 0.6, 1.0, 7.6, 19.0, 83.2, 300.0])
    curve = outlook.at_least(SHARE, edges, 2)
    assert curve[:, 0] == pytest.approx(np.zeros((3, 2)), abs=1e-12)
    assert (np.diff(curve, axis=1) > 0).all()
    for place, edge in enumerate(edges[1:], start=1):
        alone = outlook.at_least(SHARE, np.array([0.0, edge]), 2)[:, -1]
        assert curve[:, place] == pytest.approx(alone, abs=1e-12)


def test_what_happens_only_once_must_not_have_happened_before() -> None:
    today, opening, end = 0.3, 2.2, 6.4
    found = Outlook(FILTERED, today, False).at_least(SHARE, np.array([opening, end]), 2)[:, -1]
    for i, chain in enumerate(CHAINS):
        none = [
            counts_over_all_paths(chain, STATES[i], 1.0, pieces(today, 0.0, days), most=0)[0]
            for days in (opening, end)
        ]
        assert found[i, 0] == pytest.approx(SHARE[i] * (none[0] - none[1]), abs=1e-12)
    assert (found[:, 1] == 0).all()


def test_p_of_two_stretches_is_that_of_the_first_and_then_of_the_second() -> None:
    """P(T2) = P(T1) + (1 - P(T1)) P(T2 | none by T1), the state by then being filtered."""
    outlook = Outlook(FILTERED, 0.0, True)
    one = np.ones(3)
    first, both = outlook.at_least(one, np.array([0.0, 5.0, 12.0]), 1)[:, 1:, 0].T
    survived = STATES * np.exp(-FILTERED.hazard)
    for _ in range(4):
        survived = np.einsum("di,dij->dj", survived, FILTERED.transition)
        survived *= np.exp(-FILTERED.hazard)
    state = np.einsum("di,dij->dj", survived, FILTERED.transition)
    state /= state.sum(axis=1, keepdims=True)
    then = Filtered(FILTERED.log_likelihood, state, FILTERED.hazard, FILTERED.transition)
    second = Outlook(then, 0.0, True).at_least(one, np.array([0.0, 7.0]), 1)[:, 1, 0]
    assert both == pytest.approx(first + (1 - first) * second, abs=1e-12)


def simulated_counts(chain: Chain, state: Array, share: float, window: Array, n: int) -> Array:
    """Events of the share in the window in each of `n` futures, walked day by day from 0.25."""
    rng = np.random.default_rng(8)
    z = rng.choice(3, n, p=state)
    counts, at = np.zeros(n), 0.25
    cumulative = chain.transition.cumsum(axis=1)
    while at < 0.25 + window[1]:
        close = min(np.floor(at) + 1.0, 0.25 + window[1])
        inside = max(close - max(at, 0.25 + window[0]), 0.0)
        counts += rng.binomial(rng.poisson(chain.hazard[z] * inside), share)
        z = (rng.random(n)[:, None] > cumulative[z]).sum(axis=1)
        at = close
    return counts


def test_simulated_futures_agree() -> None:
    window, n = np.array([3.0, 31.5]), 40_000
    outlook = Outlook(FILTERED, 0.25, True)
    chances = outlook.at_least(SHARE, window, 5)[:, -1]
    expected = outlook.expected(SHARE, window)
    for i, chain in enumerate(CHAINS):
        counts = simulated_counts(chain, STATES[i], SHARE[i], window, n)
        error = 4 * counts.std() / np.sqrt(n)
        assert counts.mean() == pytest.approx(expected[i], abs=error)
        for k in range(5):
            p = (counts > k).mean()
            assert p == pytest.approx(chances[i, k], abs=4 * np.sqrt(p * (1 - p) / n) + 1e-4)


def test_the_expected_count_is_the_sum_of_the_chances() -> None:
    outlook, window = Outlook(FILTERED, 0.25, True), np.array([1.0, 4.5])
    chances = outlook.at_least(SHARE, window, 30)[:, -1]
    assert outlook.expected(SHARE, window) == pytest.approx(chances.sum(axis=1), rel=1e-9)


def test_what_has_happened_in_the_window_is_counted() -> None:
    window = np.array([0.0, 9.0])
    once = Ahead(Outlook(FILTERED, 0.0, False), SHARE, already=1)
    assert (once.expected(window) == 1.0).all()
    assert (once.at_least(window, 1) == 1.0).all()
    ahead = Outlook(FILTERED, 0.0, True)
    again = Ahead(ahead, SHARE, already=2)
    assert again.expected(window) == pytest.approx(2 + ahead.expected(SHARE, window))
    counts = again.at_least(window, 4)[:, -1]
    assert (counts[:, :2] == 1.0).all()
    assert counts[:, 2:] == pytest.approx(ahead.at_least(SHARE, window, 2)[:, -1])


def test_one_state_is_a_plain_rate() -> None:
    rate = 0.01
    same = Filtered(np.zeros(3), STATES, np.full((3, 3), rate), FILTERED.transition)
    edges = np.array([0.0, 2.5, 40.0, 200.0])
    found = Outlook(same, 0.7, True).at_least(SHARE, edges, 1)[:, :, 0]
    assert found == pytest.approx(-np.expm1(-rate * np.multiply.outer(SHARE, edges)), abs=1e-12)


def test_far_ahead_only_the_balance_is_left() -> None:
    outlook = Outlook(FILTERED, 0.0, True)
    one = np.ones(3)
    year = outlook.expected(one, np.array([4000.0, 4001.0]))
    for i, chain in enumerate(CHAINS):
        balance = np.linalg.matrix_power(chain.transition, 4000)[0]
        assert year[i] == pytest.approx(float(balance @ chain.hazard), rel=1e-9)
