"""The walk along the axes: what stands is replaced only by what is surely better."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from models.panel.choosing.differences import Difference
from models.panel.choosing.search import Bench, Found, Judged, Trial, search
from models.panel.choosing.support import Support
from models.panel.columns import Column
from models.panel.settings import Settings

DEFAULT = Settings()
PLENTY = Support(training=500, judged=500, held=100, stretches=30, columns=4)
ERROR = 0.01


def columns_of(settings: Settings) -> tuple[Column, ...]:
    """Those of a panel with one tag and no levels."""
    named = {"tag": settings.half_lives, "history": settings.history, "drift": settings.drift}
    found = [Column(kind, days=days) for kind, lengths in named.items() for days in lengths]
    found += [Column("activity", days=days) for days in settings.activity]
    return (*found, *([Column("sine")] if settings.season else []))


@dataclass
class Fake:
    """Judges by a rule, and remembers whom it was asked of."""

    loss: Callable[[Settings], float]
    error: float | None = ERROR
    asked: dict[str, list[Settings]] = field(default_factory=dict)

    def judge(self, axis: str, asked: Sequence[Settings]) -> list[Judged]:
        self.asked[axis] = list(asked)
        return [Judged(np.full(8, self.loss(settings)), 0.5) for settings in asked]

    def search(self, support: Support = PLENTY) -> Found:
        bench = Bench(
            self.judge, columns_of, lambda a, b: Difference(float((b - a).mean()), self.error)
        )
        return search(DEFAULT, support, bench)


def taken(found: Found) -> list[str]:
    return [f"{trial.axis}: {trial.name}" for trial in found.trials if trial.is_kept]


def trial(found: Found, axis: str, name: str) -> Trial:
    [one] = [t for t in found.trials if (t.axis, t.name) == (axis, name)]
    return one


def test_the_default_stands_where_all_are_alike() -> None:
    found = Fake(lambda settings: 0.3).search()
    assert found.picked == DEFAULT
    assert taken(found) == []
    assert found.trials[0].name == "default"
    assert found.trials[0].log_loss == 0.3


def test_better_by_less_than_a_standard_error_is_not_enough() -> None:
    found = Fake(lambda s: 0.3 - 0.9 * ERROR * (s.drift == ())).search()
    assert found.picked == DEFAULT
    one = trial(found, "drift", "none")
    assert one.why == "better than what stands by 0.9 standard errors: not enough"
    assert one.gain is not None
    assert round(one.gain.value, 6) == 0.009


def test_what_is_surely_better_is_taken_and_the_next_axes_start_from_it() -> None:
    short = replace(DEFAULT, half_lives=(0.1, 0.3, 1.0), history=(0.25, 1.0, 3.0))

    def loss(s: Settings) -> float:
        alike = (s.half_lives == short.half_lives) + (s.history == short.history)
        return 0.3 - 0.02 * alike

    fake = Fake(loss)
    found = fake.search()
    assert taken(found) == ["tags: short half-lives", "history: short"]
    assert found.picked == short
    assert {s.half_lives for s in fake.asked["history"]} == {short.half_lives}
    # told over the default, though it was taken over what stood
    second = trial(found, "history", "short")
    assert second.gain is not None
    assert round(second.gain.value, 6) == 0.04
    assert second.why == "better than what stands by 2.0 standard errors"
    assert (found.losses < found.default_losses).all()


def test_of_several_that_are_surely_better_the_best_is_taken() -> None:
    worth = {(3.0, 12.0, 48.0): 0.02, (1.0, 12.0): 0.03}
    found = Fake(lambda s: 0.3 - worth.get(s.half_lives, 0.0)).search()
    assert taken(found) == ["tags: two half-lives"]
    assert trial(found, "tags", "long half-lives").why == (
        "better than what stands by 2.0 standard errors, but 'two half-lives' is better still"
    )


def test_a_smaller_family_wins_over_noise() -> None:
    found = Fake(lambda s: 0.3 + 0.005 * len(columns_of(s))).search()
    assert taken(found) == ["family: unit rate only"]
    assert columns_of(found.picked) == ()


def test_settings_that_make_the_same_model_are_not_tried_again() -> None:
    fake = Fake(lambda settings: 0.3)
    found = fake.search()
    assert "levels" not in fake.asked  # there are none
    assert {t.axis for t in found.trials} == {
        "default", "family", "tags", "history", "drift", "activity", "season", "shrinkage",
    }  # fmt: skip
    # nor are widths, where nothing is left to be shrunk
    fake = Fake(lambda s: 0.3 - 0.05 * (s.half_lives == ()))
    fake.search(replace(PLENTY, columns=10_000))
    assert "shrinkage" not in fake.asked


def test_where_columns_outnumber_events_what_adds_some_is_not_even_judged() -> None:
    fake = Fake(lambda s: 0.3 - 0.5 * (s.half_lives == (0.1, 0.3, 1.0)))
    found = fake.search(Support(training=20, judged=10, held=5, stretches=9, columns=31))
    assert found.picked == DEFAULT
    short = trial(found, "tags", "short half-lives")
    assert short.log_loss is None
    assert short.why.startswith("31 columns of tags and 30 events")
    assert [s.half_lives for s in fake.asked["tags"]] == [(1.0, 12.0)]


def test_without_a_standard_error_nothing_is_taken() -> None:
    found = Fake(lambda s: 0.3 - 0.2 * (s.drift == ()), error=None).search()
    assert found.picked == DEFAULT
    assert trial(found, "drift", "none").why == "too few stretches of time to tell"
