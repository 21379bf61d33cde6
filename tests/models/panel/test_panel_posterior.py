"""Weighted draws against the posterior on a dense grid, where there are two parameters only."""

from dataclasses import replace

import numpy as np
import pytest

from models.panel.facts import Facts
from models.panel.fitted import density
from models.panel.learn import fit
from models.panel.lesson import prepare, prior_of
from models.panel.posterior import draw
from models.panel.settings import Settings

ALONE = Settings(history=(), drift=(), step=1.0, shrinkage=(0.1,))


def test_weighted_draws_are_the_posterior() -> None:
    rng = np.random.default_rng(8)
    events = [
        (f"u{u}", "hit", day, day) for u in range(8) for day in rng.uniform(0, 600, 1 + u % 3)
    ]
    lesson = prepare(Facts.of([], events), "hit", 600.0, 30.0, ALONE)
    assert lesson.made.columns == ()
    prior = prior_of(lesson, ALONE)
    drawn = draw(density(), lesson.windows, prior, 4000, weigh=True, seed=3)
    assert drawn.findings == ()

    rates, shapes = np.linspace(-9, -4, 121), np.linspace(-4, 5, 121)
    grid = np.stack([each.ravel() for each in np.meshgrid(rates, shapes)], axis=1)
    level = density().log_prior(grid) + density().log_likelihood(grid)
    exact = np.exp(level - level.max())
    exact /= exact.sum()
    mean = exact @ grid
    sd = np.sqrt(exact @ (grid - mean) ** 2)
    ours = drawn.weights @ drawn.draws
    assert ours == pytest.approx(mean, abs=4 * sd.max() / np.sqrt(4000))
    spread = np.sqrt(drawn.weights @ (drawn.draws - ours) ** 2)
    assert spread == pytest.approx(sd, rel=0.07)


def test_the_seed_hardly_matters_where_draws_are_not_weighed() -> None:
    events = [("a", "hit", day, day) for day in (50.0, 130.0, 320.0, 400.0)]
    rows = [("b", "sign", day, day, 1.0) for day in (20.0, 90.0, 410.0)]
    facts = Facts.of(rows, events)
    settings = replace(ALONE, draws=200, weigh=False)
    p = np.array(
        [fit(facts, "hit", 600.0, 30.0, settings, seed).predict(facts, 600.0).p for seed in (1, 2)]
    )
    # independent draws would part by some hundredths
    np.testing.assert_allclose(p[0], p[1], rtol=0.02)
