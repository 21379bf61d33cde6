"""Weighted draws against the posterior on a dense grid, where there are two parameters only."""

import numpy as np
import pytest

from models.panel.facts import Facts
from models.panel.fitted import density
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
