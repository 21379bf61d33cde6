"""What a pool is believed to be before it has a record: equal, as stated, or that of a class."""

import pytest

from models.pool.record import CROWD, is_of_class, prior_of
from models.pool.stack import CLASS_PRIOR, PoolPrior
from models.priors.beliefs import Pooled

CLASS = ("panel", "history", "logistic")


def default(pooled: Pooled, *crowd: str) -> list[float]:
    """The weights of the families and of others, on the simplex."""
    members = (*pooled.families, *(CROWD + name for name in crowd))
    return [float(weight) for weight in prior_of(pooled, members).weights()]


def test_members_count_alike_or_as_stated() -> None:
    assert default(Pooled(("hazard", "regime")), "market") == pytest.approx([1 / 3] * 3)
    stated = Pooled(("hazard", "regime"), weights=(("market", 2.0),))
    assert default(stated, "market") == pytest.approx([0.25, 0.25, 0.5])


def test_what_one_class_teaches_counts_as_in_a_walk_in_any_order() -> None:
    assert default(Pooled(CLASS)) == pytest.approx([0.6, 0.2, 0.2])
    assert default(Pooled(("logistic", "panel", "history"))) == pytest.approx([0.2, 0.6, 0.2])
    assert default(Pooled(CLASS)) == pytest.approx(CLASS_PRIOR.weights().tolist())


def test_others_beside_a_class_count_as_one_family_of_it_does_on_average() -> None:
    assert default(Pooled(CLASS), "market") == pytest.approx([0.45, 0.15, 0.15, 0.25])
    trusted = Pooled(CLASS, weights=(("market", 3.0),))
    assert default(trusted, "market") == pytest.approx([0.3, 0.1, 0.1, 0.5])


@pytest.mark.parametrize(
    "pooled",
    [Pooled(CLASS[:2]), Pooled((*CLASS, "hazard")), Pooled(CLASS, weights=(("panel", 2),))],
)
def test_another_pool_is_none_of_a_class(pooled: Pooled) -> None:
    assert not is_of_class(pooled)
    prior, plain = prior_of(pooled, pooled.families), PoolPrior.equal(1)
    assert (prior.sharpness_sd, prior.shift_sd) == (plain.sharpness_sd, plain.shift_sd)
    assert prior.default.tolist() == [
        2.0 if n == "panel" and pooled.weights else 1.0 for n in pooled.families
    ]


def test_sharpness_and_shift_of_a_class_are_held() -> None:
    prior = prior_of(Pooled(CLASS), CLASS)
    assert (prior.sharpness_sd, prior.shift_sd) == (0.02, 0.02)
