"""`tocsin priors`: what is shown, what is refused, and what a change does before it stands."""

import json
import os
import pty
import stat
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import nbinom

from forecast.clock import utc_now
from forecast.watch import load_watch
from forecast.words import DAYS_IN
from jobs.app import open_app
from jobs.prior_ledger import words_of
from jobs.priors import implied_events, view_prior
from jobs.watch_file import edit_watch
from models.base_rate import gamma_of
from models.priors.beliefs import beliefs_of
from tests.command import TOCSIN, run
from tests.jobs.desk import Desk, make_desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


@pytest.fixture
def hazard_desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path, model="hazard")


def answer(desk: Desk, *arguments: str) -> Any:
    result = desk.run("priors", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def refusal(desk: Desk, *arguments: str) -> str:
    """The one line with which a change is refused; nothing is touched."""
    before = desk.file.read_bytes()
    result = desk.run("priors", "set", *arguments, "--yes")
    assert result.returncode == 2, result.stdout
    assert result.stderr.count("\n") == 1
    assert desk.file.read_bytes() == before
    with desk.store() as store:
        assert store.latest_prior("strike") is None
    return result.stderr


# show


def test_show_gives_every_belief_in_words_and_numbers(hazard_desk: Desk) -> None:
    shown = answer(hazard_desk, "show", "strike")
    by_key = {belief["key"]: belief for belief in shown["beliefs"]}
    base = by_key["base_rate"]
    assert base["words"] == "30%..60% per quarter, 90% sure"
    assert base["numbers"]["lower"] == pytest.approx(0.30)
    assert base["numbers"]["upper"] == pytest.approx(0.60)
    assert 0.42 < base["numbers"]["median"] < 0.45
    assert by_key["long-strike.share"]["numbers"]["upper"] == pytest.approx(0.60, abs=1e-4)
    assert by_key["effects.union.ballot"]["numbers"]["median"] == pytest.approx(6**0.5)
    assert by_key["half_life.union.ballot"]["numbers"]["median"] == 30
    assert {"ceiling", "unit_spread"} <= by_key.keys()


def test_a_sign_is_one_row_its_effect_and_how_fast_it_fades(hazard_desk: Desk) -> None:
    shown = hazard_desk.run("priors", "show", "strike").stdout
    assert "half_life" not in shown
    rows = [line for line in shown.splitlines() if line.startswith("union.ballot")]
    assert len(rows) == 1
    assert "×2.4 [1.5–4], fades by half in 30" in rows[0]


def test_a_question_shows_the_prior_of_its_definition(desk: Desk) -> None:
    shown = answer(desk, "show", "q-long")
    assert (shown["root"], shown["definition"]) == ("strike", "long-strike")
    assert shown["implied"]["definition"] == "long-strike"
    whole = answer(desk, "show", "strike")["implied"]["events"]
    assert shown["implied"]["events"]["upper"] < whole["upper"]


def test_what_a_prior_implies_is_the_negative_binomial_of_its_rate(desk: Desk) -> None:
    beliefs = beliefs_of(load_watch(desk.folder).config, "strike")
    rate = gamma_of(beliefs.log_rate)
    p = rate.rate / (rate.rate + 100 * DAYS_IN["quarter"])
    implied = implied_events(beliefs, "strike")
    assert (implied.lower, implied.upper) == tuple(nbinom.ppf([0.05, 0.95], rate.shape, p))


def test_of_a_class_it_is_of_one_unit_which_lies_apart_from_the_class(desk: Desk) -> None:
    beliefs = replace(beliefs_of(load_watch(desk.folder).config, "strike"), model="hazard")
    rng = np.random.default_rng(1)
    rate, shape = (
        np.exp(rng.normal(believed.mean, believed.sd, 200_000))
        for believed in (beliefs.log_rate, beliefs.log_shape)
    )
    counts = rng.poisson(rng.gamma(shape, rate / shape) * 100 * DAYS_IN["quarter"])
    implied = implied_events(beliefs, "strike")
    found = tuple(np.quantile(counts, [0.05, 0.95]).tolist())
    assert (implied.lower, implied.upper) == pytest.approx(found, rel=0.1)


def test_show_says_who_stated_the_prior_when_and_why(desk: Desk) -> None:
    assert "Not on record yet" in desk.run("priors", "show", "strike").stdout
    desk.run("update")
    assert "Version 1 by ada, 20" in desk.run("priors", "show", "strike").stdout
    desk.rewrite("30%..60% per quarter", "20%..60% per quarter")
    assert "watch.toml was edited since" in desk.run("priors", "show", "strike").stdout


def test_show_writes_nothing(desk: Desk) -> None:
    with open_app(desk.folder) as app:
        view_prior(app, "strike")
        assert app.store.latest_prior("strike") is None


def test_show_does_not_load_the_inference(hazard_desk: Desk) -> None:
    desk = hazard_desk
    desk.environment["PYTHONPROFILEIMPORTTIME"] = "1"
    result = desk.run("priors", "show", "strike", process=True)
    assert result.returncode == 0
    modules = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "models.base_rate" in modules
    assert modules & {"pymc", "pytensor", "pandas", "httpx"} == set()


def test_an_unknown_name_is_one_line_with_the_nearest(desk: Desk) -> None:
    result = desk.run("priors", "show", "strik")
    assert result.returncode == 2
    message = "tocsin: there is no question or definition 'strik'; did you mean 'strike'?\n"
    assert result.stderr == message


# set


def test_a_change_is_written_in_place_and_put_on_record(desk: Desk) -> None:
    desk.file.chmod(0o640)
    words = "5%..20% per quarter, 90% sure"
    result = desk.run("priors", "set", "q-strike", "base_rate", words, "--reason", "calm", "--yes")
    assert result.returncode == 0, result.stderr
    text = desk.file.read_text()
    assert f'base_rate = "{words}"  # as of old\n' in text
    assert text.startswith("# A desk for tests.\n")
    assert "[definitions.strike]  # what we watch\n" in text
    assert stat.S_IMODE(desk.file.stat().st_mode) == 0o640
    assert [path.name for path in desk.folder.glob("*watch*")] == ["watch.toml"]
    with desk.store() as store:
        first, second = store.prior_versions("strike")
    assert first.words["base_rate"] == "30%..60% per quarter, 90% sure"
    assert second.words["base_rate"] == words
    assert (second.version, second.author, second.reason) == (2, "ada", "calm")


def test_every_open_question_is_shown_before_and_after(desk: Desk) -> None:
    words = "1%..2% per quarter"
    shown = answer(desk, "set", "strike", "base_rate", words, "--dry-run")
    assert shown["version"] is None
    assert shown["after"]["words"] == words
    questions = {q["question"]: q for q in shown["questions"]}
    assert questions.keys() == {"q-strike", "q-long"}
    for question in questions.values():
        assert question["before"]["probability"] > 5 * question["after"]["probability"]
    with desk.store() as store:
        assert store.latest_estimates() == {}
        assert store.prior_versions("strike") == []


def test_a_column_of_strengths_stands_only_where_they_could_be_told(hazard_desk: Desk) -> None:
    words = ("strike", "base_rate", "35%..60% per quarter", "--dry-run")
    told = hazard_desk.run("priors", "set", *words, "--json").stdout
    has_any = any(None not in q["half_to_twice_as_strong"] for q in json.loads(told)["questions"])
    assert ("half to twice" in hazard_desk.run("priors", "set", *words).stdout) == has_any
    assert not has_any  # no draws are kept before the first update


def test_the_preview_is_what_the_next_update_says(desk: Desk) -> None:
    at = utc_now().date().isoformat()
    words = "1%..2% per quarter"
    shown = answer(desk, "set", "strike", "base_rate", words, "--yes", "--as-of", at)
    desk.run("update", "--as-of", at)
    with desk.store() as store:
        updated = store.latest_estimates()
    assert {q["question"]: q["after"]["probability"] for q in shown["questions"]} == {
        name: estimate.probability for name, estimate in updated.items()
    }


def test_rules_that_would_flip_are_named(desk: Desk) -> None:
    change = ("set", "strike", "base_rate", "1%..2% per quarter", "--dry-run")
    assert answer(desk, *change)["questions"][0]["rules"] == [
        {"rule": "likely", "before": "firing", "after": "ok"}
    ]
    assert "rule likely on q-strike: firing -> ok" in desk.run("priors", *change).stdout
    small = desk.run("priors", "set", "strike", "base_rate", "31%..60% per quarter", "--dry-run")
    assert "No rule changes its mind." in small.stdout


def test_a_rule_that_fires_already_flips_only_below_its_lower_line(desk: Desk) -> None:
    desk.rewrite('fire_at = "2%"\nclear_at = "1%"', 'fire_at = "30%"\nclear_at = "1%"')
    change = ("set", "strike", "base_rate", "20%..30% per quarter", "--dry-run")

    def flips() -> list[str]:
        rules = [
            rule for question in answer(desk, *change)["questions"] for rule in question["rules"]
        ]
        return [rule["after"] for rule in rules]

    assert flips() == ["ok"]
    desk.run("update")
    assert flips() == []


def test_the_effect_of_a_tag_goes_to_the_definition_not_to_the_indicator(hazard_desk: Desk) -> None:
    desk = hazard_desk
    result = desk.run("priors", "set", "q-long", "union.ballot", "1x..1.5x", "--yes")
    assert result.returncode == 0, result.stderr
    config = load_watch(desk.folder).config
    assert config.definitions["strike"].effects == {"union.ballot": "1x..1.5x"}
    assert config.indicators["union.ballot"].effect == "1.5x..4x, 90% sure"
    assert words_of(config, "strike")["effects.union.ballot"] == "1x..1.5x"
    again = answer(desk, "set", "strike", "effects.union.ballot", "2x..6x", "--dry-run")
    assert again["before"]["words"] == "1x..1.5x"
    assert (
        again["questions"][0]["after"]["probability"]
        > (again["questions"][0]["before"]["probability"])
    )


def test_a_share_is_that_of_the_narrower_definition(desk: Desk) -> None:
    shown = answer(desk, "set", "long-strike", "share", "80%..90%", "--yes")
    before, after = (shown["questions"][1][when]["probability"] for when in ("before", "after"))
    assert shown["questions"][1]["question"] == "q-strike"
    assert before == after
    assert shown["questions"][0]["after"]["probability"] > (
        1.5 * shown["questions"][0]["before"]["probability"]
    )
    assert load_watch(desk.folder).config.definitions["long-strike"].share == "80%..90%"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("strike", "base_rat", "1%..2% per day"), "did you mean 'base_rate'?"),
        (("strike", "nothing", "1x..2x"), "`tocsin priors show strike` lists what it has"),
        (("strike", "base_rate", "1%..2%"), "base_rate: '1%..2%' is not a rate; write it like"),
        (("strike", "base_rate", "0%..2% per day"), "strictly between 0% and 100%"),
        (("strike", "base_rate", "3%..2% per day"), "the lower end must be below the upper"),
        (("strike", "ceiling", "1%..2% per quarter"), "does not lie above the base rate"),
        (("strike", "unit_spread", "0.5x..2x"), "a spread is more than 1x"),
        (("long-strike", "share", "50%..50.0000001%"), "no Beta has 0.5 to 0.5"),
        (("strike", "share", "1%..2%"), "those with one are long-strike"),
        (("strike", "effects.union.balot", "1x..2x"), "did you mean 'effects.union.ballot'?"),
        (("strike", "half_life.union.ballot", "3 dayz"), "is not a duration"),
        (("strik", "base_rate", "1%..2% per day"), "did you mean 'strike'?"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    hazard_desk: Desk, arguments: tuple[str, ...], said: str
) -> None:
    assert said in refusal(hazard_desk, *arguments)


def test_nothing_is_written_where_nobody_can_confirm(desk: Desk) -> None:
    before = desk.file.read_bytes()
    result = desk.run("priors", "set", "strike", "base_rate", "1%..2% per quarter", stdin="y\n")
    assert result.returncode == 2
    assert result.stderr.startswith("tocsin: nobody is there to confirm: add --yes")
    assert desk.file.read_bytes() == before


@pytest.mark.parametrize(("typed", "is_written"), [(b"y\n", True), (b"n\n", False)])
def test_on_a_terminal_the_person_is_asked(desk: Desk, typed: bytes, is_written: bool) -> None:
    person, terminal = pty.openpty()
    os.write(person, typed)
    words = "1%..2% per quarter"
    result = subprocess.run(
        [TOCSIN, "priors", "set", "strike", "base_rate", words],
        cwd=desk.folder,
        env=desk.environment,
        stdin=terminal,
        capture_output=True,
        text=True,
        check=True,
    )
    os.close(person)
    os.close(terminal)
    assert "Write it?" in result.stderr
    assert ("is written and recorded" in result.stdout) is is_written
    assert (words in desk.file.read_text()) is is_written


def test_an_edit_never_overwrites_what_somebody_wrote_meanwhile(desk: Desk) -> None:
    def rename(document: Any) -> None:
        document["watch"]["title"] = "Mine"

    edit = edit_watch(desk.folder, rename)
    desk.rewrite("Harbour desk", "Theirs")
    with pytest.raises(Exception, match="was edited meanwhile"):
        edit.save()
    assert "Theirs" in desk.file.read_text()


def test_a_link_to_the_file_stays_a_link(desk: Desk, tmp_path: Path) -> None:
    shared = tmp_path / "shared.toml"
    desk.file.rename(shared)
    desk.file.symlink_to(shared)
    words = "1%..2% per quarter"
    desk.run("priors", "set", "strike", "base_rate", words, "--yes")
    assert desk.file.is_symlink()
    assert words in shared.read_text()


def test_where_nothing_is_open_the_way_to_look_back_is_said(desk: Desk) -> None:
    change = ("priors", "set", "strike", "base_rate", "1%..3% per quarter", "--dry-run")
    assert desk.run("update", "--no-send").returncode == 0
    later = desk.run(*change, "--as-of", "2040-01-01").stdout
    assert "No open question depends on it; --as-of " in later
    moment = later.split("--as-of ")[1].split()[0]
    assert "q-strike" in desk.run(*change, "--as-of", moment).stdout


def test_a_preview_keeps_its_numbers_whole_on_a_narrow_terminal(desk: Desk) -> None:
    change = ("priors", "set", "strike", "base_rate", "1%..3% per quarter", "--dry-run")
    narrow = {**desk.environment, "COLUMNS": "60"}
    printed = run(*change, folder=desk.folder, environment=narrow).stdout
    [row] = [line for line in printed.splitlines() if line.startswith("q-strike")]
    assert row.count("%]") == 2
