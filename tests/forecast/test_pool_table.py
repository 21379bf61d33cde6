"""The table of a pool is read strictly, and says whose numbers are stacked."""

import pytest

from forecast.config import Definition
from forecast.errors import ConfigError
from forecast.pool_table import PoolTable
from forecast.watch import parse_config

POOLED = (
    '[watch]\ntitle = "desk"\n[definitions.d]\nmodel = "pool"\nbase_rate = "1%..5% per quarter"\n'
)


def definition(line: str = "") -> Definition:
    return parse_config(POOLED + line).definitions["d"]


def test_without_a_table_two_families_and_every_source_are_heard() -> None:
    assert definition().pool is None
    assert definition().families() == ["hazard", "regime"]
    assert PoolTable().crowd is True


def test_a_definition_of_another_family_answers_by_itself() -> None:
    plain = parse_config(POOLED.replace('"pool"', '"regime"')).definitions["d"]
    assert plain.families() == ["regime"]


def test_families_sources_and_weights_are_as_the_table_says() -> None:
    line = (
        'pool = { families = ["panel"], crowd = ["Poly*"], weights = { panel = 2, "Poly*" = 3 } }'
    )
    found = definition(line).pool
    assert found is not None
    assert (found.families, found.crowd) == (["panel"], ["Poly*"])
    assert found.weights == {"panel": 2.0, "Poly*": 3.0}
    assert found.stale_after == "30 days"


@pytest.mark.parametrize(
    ("line", "place", "words"),
    [
        ("pool = { families = [] }", "definitions.d.pool.families", "at least 1"),
        ('pool = { families = ["pool"] }', "definitions.d.pool.families", "member of itself"),
        ('pool = { families = ["a", "a"] }', "definitions.d.pool.families", "named twice"),
        ("pool = { weights = { a = 0 } }", "definitions.d.pool.weights.a", "greater than 0"),
        ("pool = { crowd = false, weights = { hazrd = 2 } }", "weights", "mean 'hazard'"),
        ('pool = { crowd = ["P*"], weights = { "Q*" = 2 } }', "weights", "not a member"),
        ('pool = { stale_after = "soon" }', "definitions.d.pool.stale_after", "not a duration"),
        ('pool = { family = ["hazard"] }', "definitions.d.pool.family", "unknown key"),
    ],
)
def test_a_mistake_names_its_key(line: str, place: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        definition(line)
    assert place in str(caught.value.at)


def test_the_table_goes_with_the_family() -> None:
    text = POOLED.replace('"pool"', '"hazard"') + 'pool = { families = ["hazard"] }'
    with pytest.raises(ConfigError, match="goes with model = 'pool'"):
        parse_config(text)


def test_coupled_units_want_a_family_that_listens_to_them() -> None:
    units = '[units.far]\ntitle = "far"\n[indicators.a]\neffect = "1x..2x"\nhalf_life = "9 days"\n'
    coupled = """[definitions.d.coupled.far]
indicators = ["a"]\neffect = "1x..2x"\nhalf_life = "9 days"\nprobability = "20%"\n"""
    parse_config(POOLED + coupled + units)
    alone = POOLED + 'pool = { families = ["regime"] }\n' + coupled + units
    with pytest.raises(ConfigError, match="only the family 'hazard' listens"):
        parse_config(alone)
