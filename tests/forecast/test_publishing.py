"""The gate publishes what lost less so far, and says so; without a record the model stands."""

import math

import pytest

from forecast.config import Config
from forecast.errors import ConfigError
from forecast.publishing import PublishRule, publish
from forecast.scoring.results import Gain, Scores, Skill
from forecast.watch import parse_config

MODEL_LOSS = 0.2


def scores(loss: float = MODEL_LOSS, n: int = 1000, events: int = 80) -> Scores:
    return Scores(n, events, 80.0, 0.07, loss, 0.8, 0.4)


def skill(name: str, value: float, lower: float | None = None) -> Skill:
    upper = None if lower is None else 2 * value - lower
    return Skill(name, Gain(0.0, None, None, 20), Gain(value, lower, upper, 20), 0.0)


def published(
    gains: dict[str, float],
    *,
    rule: PublishRule | None = None,
    lower: float | None = None,
    model: Scores | None = None,
) -> tuple[str, str]:
    found = publish(
        {name: skill(name, gain, lower) for name, gain in gains.items()},
        model or scores(),
        {name: scores(MODEL_LOSS + gain) for name, gain in gains.items()},
        rule or PublishRule(),
    )
    return found.what, found.words


def test_a_model_that_beats_every_baseline_is_published() -> None:
    what, words = published({"pooled": 0.05, "unit": 0.02, "history": 0.01}, lower=0.005)
    assert what == "model"
    assert words == (
        "the model beats 'history', the best that it is held against: walk-forward over 1000 "
        "forecasts with 80 events its log loss is 0.2000, the baseline's 0.2100"
    )


def test_a_model_that_one_baseline_beats_is_published_as_that_baseline() -> None:
    what, words = published({"pooled": 0.05, "unit": -0.001, "history": -0.003})
    assert what == "history"
    assert words == (
        "published as the baseline 'history', which the model does not beat: walk-forward over "
        "1000 forecasts with 80 events its log loss is 0.2000, the baseline's 0.1970"
    )


def test_a_draw_is_not_a_win() -> None:
    assert published({"unit": 0.0})[0] == "unit"


def test_a_gain_within_chance_is_a_win_that_says_so() -> None:
    for lower in (-0.001, None):
        what, words = published({"unit": 0.002}, lower=lower)
        assert what == "model"
        assert "though by no more than chance would give" in words
    assert "chance" not in published({"unit": 0.002}, lower=0.001)[1]


@pytest.mark.parametrize(
    ("n", "events", "said"),
    [
        (99, 20, "99 forecasts were scored, and the gate asks for 100"),
        (1000, 4, "of 1000 forecasts 4 came out yes"),
        (1000, 997, "of 1000 forecasts 3 came out no"),
    ],
)
def test_too_short_a_record_leaves_the_model_and_says_so(n: int, events: int, said: str) -> None:
    what, words = published({"unit": -0.5}, model=scores(n=n, events=events))
    assert what == "model"
    assert words.startswith("published unproven: ")
    assert said in words


def test_only_the_named_baselines_must_be_beaten() -> None:
    gains = {"unit": 0.01, "history": -0.01}
    assert published(gains, rule=PublishRule(against=("unit", "pooled")))[0] == "model"
    what, words = published(gains, rule=PublishRule(against=("recency",)))
    assert what == "model"
    assert words == "published unproven: none of 'recency' was scored beside the model"


def test_the_gate_can_be_off() -> None:
    assert published({"unit": -1.0}, rule=PublishRule(gate="off"))[0] == "model"


def test_a_baseline_that_was_infinitely_wrong_is_beaten_and_a_model_that_was_is_not() -> None:
    assert published({"unit": math.inf, "pooled": 0.1})[0] == "model"
    assert published({"unit": -math.inf, "pooled": 0.1})[0] == "unit"
    assert published({"unit": math.nan})[0] == "unit"


def config(table: str) -> Config:
    return parse_config(f'[watch]\ntitle = "a desk"\n{table}')


def test_the_gate_of_a_watch_asks_by_default() -> None:
    usual = ("pooled", "unit", "recency", "history", "logistic", "base-rate")
    assert config("").publish.rule() == PublishRule("baseline", 100, usual) == PublishRule()
    table = '[publish]\ngate = "off"\nmin_forecasts = 30\nagainst = ["unit"]'
    assert config(table).publish.rule() == PublishRule("off", 30, ("unit",))


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('gate = "model"', "publish.gate"),
        ("min_forecasts = 0", "publish.min_forecasts"),
        ("against = []", "publish.against"),
        ('against = ["luck"]', "publish.against.0"),
        ('againts = ["unit"]', "publish.againts"),
    ],
)
def test_a_mistake_in_the_table_names_its_key(line: str, place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(f"[publish]\n{line}")
    assert place in str(caught.value.at)
