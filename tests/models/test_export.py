"""A posterior as a tree: draws of equal weight that say what the weighted ones said."""

import numpy as np

from models.api import Draws
from models.export import posterior_tree, resampled

RNG = np.random.default_rng(5)
VALUES = RNG.normal(size=(2000, 4))
WEIGHTS = np.exp(0.8 * VALUES[:, 0])
WEIGHTS /= WEIGHTS.sum()
DRAWS = Draws(("log_rate", "log_prior", "log_likelihood", "p:q/1"), VALUES, WEIGHTS)


def test_resampled_draws_have_the_weighted_mean_and_keep_their_rows_whole() -> None:
    rows = resampled(DRAWS, seed=1)
    assert np.abs(rows.mean(axis=0) - WEIGHTS @ VALUES).max() < 0.05
    known = {tuple(row) for row in VALUES}
    assert all(tuple(row) in known for row in rows)


def test_a_draw_comes_as_often_as_its_weight_asks_to_within_one() -> None:
    rows = resampled(DRAWS, seed=1)
    found = {tuple(row): 0 for row in VALUES}
    for row in rows:
        found[tuple(row)] += 1
    asked = WEIGHTS * len(VALUES)
    assert max(abs(found[tuple(v)] - a) for v, a in zip(VALUES, asked, strict=True)) < 1.0


def test_the_tree_has_the_groups_that_arviz_reads() -> None:
    from arviz_stats import summary

    tree = posterior_tree(DRAWS, seed=1)
    assert set(tree.children) == {"posterior", "sample_stats"}
    assert dict(tree["posterior"].sizes) == {"chain": 1, "draw": 2000, "question": 1}
    assert set(tree["sample_stats"].data_vars) == {"log_prior", "log_likelihood"}
    effective = tree["posterior"].attrs["effective_draws"]
    assert effective == 1.0 / np.sum(WEIGHTS**2)
    told = summary(tree, var_names=["log_rate"], kind="stats", ci_prob=0.9, round_to="none")
    assert abs(told["mean"].item() - WEIGHTS @ VALUES[:, 0]) < 0.05


def test_equal_draws_and_seed_give_equal_trees() -> None:
    assert posterior_tree(DRAWS, 3).identical(posterior_tree(DRAWS, 3))
