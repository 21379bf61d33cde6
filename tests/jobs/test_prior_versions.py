"""Priors proposed, checked, rolled back and carried over, on a desk of several units."""

import json
import os
import pty
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binom

from forecast.clock import utc_now
from forecast.errors import ConfigError, InputError, UsageError
from forecast.evidence import Event
from forecast.prior import differences
from forecast.watch import load_watch
from forecast.words import DAYS_IN, parse_rate
from jobs.app import App, open_app
from jobs.attainable import nearest
from jobs.prior_check import check_prior
from jobs.prior_exchange import document, origin_words, read_document, version_of
from jobs.prior_ledger import settle_prior, words_of
from jobs.prior_retune import propose_retune
from jobs.proposals import from_class, from_events, from_experts, from_likelihood_ratio
from jobs.retune import adopt, edit_for, plan_change, plan_words, sharing
from jobs.serve import Service
from models.priors.beliefs import beliefs_of
from models.priors.elicit import log_normal
from tests.command import TOCSIN
from tests.jobs.desk import Desk, make_desk

NOW = utc_now().replace(microsecond=0)
DAY = timedelta(days=1)
UNITS = 8


def several(folder: Path, model: str, events: int, recurrent: str = "true") -> Desk:
    """A desk with more units, watched for two years, each with so many strikes."""
    desk = make_desk(folder, model=model)
    here = "[definitions.strike]  # what we watch\n"
    since = f"{NOW - 730 * DAY:%Y-%m-%d}"
    desk.rewrite(here, f"{here}observed_since = {since}\nrecurrent = {recurrent}\n")
    more = "".join(f'[units.port-{n}]\ntitle = "Port {n}"\n' for n in range(UNITS - 1))
    desk.rewrite("[units.harbour]", f"{more}\n[units.harbour]")
    with desk.store() as store:
        happened = [
            Event(f"e{n}-{k}", unit, "strike", at, at)
            for n, unit in enumerate(["harbour", *(f"port-{n}" for n in range(UNITS - 1))])
            for k in range(events)
            for at in [NOW - (30 + (600 * k / events + 85 * n) % 690) * DAY]
        ]
        store.add_events(happened, NOW)
    return desk


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with open_app(several(tmp_path, "base-rate", 1).folder) as opened:
        yield opened


@pytest.fixture
def hazard(tmp_path: Path) -> Iterator[App]:
    with open_app(make_desk(tmp_path, model="hazard").folder) as opened:
        yield opened


def median_of(words: str) -> float:
    return log_normal(parse_rate(words)).mean


# Proposed


def test_a_class_proposes_its_rate_and_says_what_it_rests_on(app: App) -> None:
    found = from_class(app, "strike", "port-*", 1.0, NOW)
    per_day = (UNITS - 1) / (730 * (UNITS - 1))
    assert 2.718 ** median_of(found.words) == pytest.approx(per_day, rel=0.2)
    assert found.notes[0].startswith("7 units had 7 events in 14 years at risk")
    assert "unit_spread" in found.notes[1]
    weak = from_class(app, "strike", "port-*", 0.2, NOW)
    assert log_normal(parse_rate(weak.words)).sd > log_normal(parse_rate(found.words)).sd
    assert "which count 20 %: as 1.4 events" in weak.notes[0]
    with pytest.raises(UsageError, match=re.escape("no unit fits 'prt-0'; did you mean 'port-0'")):
        from_class(app, "strike", "prt-0", 1.0, NOW)


def test_events_of_the_past_and_several_people_propose_words() -> None:
    assert from_events("3 in 12 years", 1.0).words.startswith("2.")
    with pytest.raises(UsageError, match="is not like '3 in 12 years'"):
        from_events("three in 12 years", 1.0)
    agreed = from_experts("base_rate", ["5%..20%", "10%..40% per quarter:2"], "linear")
    both = [log_normal(parse_rate(f"{w} per quarter")).mean for w in ("5%..20%", "10%..40%")]
    assert both[0] < median_of(agreed.words) < both[1]
    apart = from_experts("effects.union.ballot", ["1.1x..1.2x", "5x..9x"], "logarithmic")
    assert "nothing in common" in apart.notes[1]
    with pytest.raises(UsageError, match="--expert"):
        from_experts("base_rate", ["5%..2%"], "linear")


def test_a_likelihood_ratio_is_converted_or_refused_with_the_nearest(hazard: App) -> None:
    with pytest.raises(UsageError, match=r"no one hazard ratio.*the nearest is '"):
        from_likelihood_ratio(hazard.config, "strike", "2x..6x", DAYS_IN["quarter"])
    found = from_likelihood_ratio(hazard.config, "strike", "2x..6x", 1.0)
    assert found.words.startswith("1.9") or found.words.startswith("2x")


# Refused, with the nearest that can be


def test_the_nearest_that_can_be_can_be(hazard: App) -> None:
    config = hazard.config
    for key, words in (
        ("ceiling", "1%..2% per quarter"),
        ("long-strike.share", "50%..50.0000001%"),
    ):
        hint = nearest(config, "strike", key, words)
        found = re.search("'(.+)'", hint)
        assert found, (key, hint)
        change = plan_change(config, "strike", key, found[1])
        edit = edit_for(hazard.watch.folder, "strike", [change])
        assert beliefs_of(edit.config, "strike")
    below = plan_change(config, "strike", "ceiling", "1%..2% per quarter")
    with pytest.raises(ConfigError, match=r"does not lie above.*the nearest that can be is '"):
        edit_for(hazard.watch.folder, "strike", [below])


def test_a_half_life_goes_to_the_definition_and_the_others_keep_theirs(hazard: App) -> None:
    change = plan_change(hazard.config, "strike", "half_life.union.ballot", "10..20 days")
    edit = edit_for(hazard.watch.folder, "strike", [change])
    assert edit.config.indicators["union.ballot"].half_life == "30 days"
    assert words_of(edit.config, "strike")["half_life.union.ballot"] == "10..20 days"
    assert beliefs_of(edit.config, "strike").effects[0].half_life == pytest.approx(200**0.5)
    assert sharing(edit.config, "strike", "half_life.union.ballot") == []


# Versions


def change(app: App, key: str, words: str, reason: str) -> App:
    edit = edit_for(app.watch.folder, "strike", [plan_change(app.config, "strike", key, words)])
    adopt(app, edit, "strike", NOW, reason)
    return App(load_watch(app.watch.folder), app.store)


def test_a_rollback_brings_back_every_word_and_keeps_what_was_in_between(hazard: App) -> None:
    first = words_of(hazard.config, "strike")
    app = change(hazard, "base_rate", "1%..2% per quarter", "calm")
    app = change(app, "union.ballot", "1x..2x", "noise")
    changes, left_out = plan_words(app.config, "strike", version_of(app, "strike", 1).words)
    assert left_out == []
    adopt(app, edit_for(app.watch.folder, "strike", changes), "strike", NOW, "back")
    again = load_watch(app.watch.folder).config
    assert words_of(again, "strike") == first
    versions = app.store.prior_versions("strike")
    assert [v.reason for v in versions] == ["first version", "calm", "noise", "back"]
    assert [d.key for d in differences(versions[0].words, versions[2].words)] == [
        "base_rate",
        "effects.union.ballot",
    ]


def test_beliefs_about_what_is_no_more_are_left_out_and_said(hazard: App) -> None:
    words = words_of(hazard.config, "strike") | {"effects.union.rally": "1x..2x"}
    del words["ceiling"]
    changes, left_out = plan_words(hazard.config, "strike", words)
    assert [(c.key, c.words) for c in changes] == [("ceiling", "")]
    assert len(left_out) == 1
    assert left_out[0].startswith("effects.union.rally: 'strike' has no belief")
    edit = edit_for(hazard.watch.folder, "strike", changes)
    assert edit.config.definitions["strike"].ceiling is None


def test_an_exported_prior_is_taken_in_by_another_desk(hazard: App, tmp_path: Path) -> None:
    app = change(hazard, "base_rate", "1%..2% per quarter", "calm")
    path = tmp_path / "prior.json"
    path.write_text(json.dumps(document(app, "strike", version_of(app, "strike", None))))
    told = read_document(path)
    other = make_desk(_folder(tmp_path), model="hazard")
    config = load_watch(other.folder).config
    changes, _ = plan_words(config, "strike", told["words"])
    assert [c.key for c in changes] == ["base_rate"]
    assert origin_words(told).startswith("imported from version 2 of 'strike' by ")
    for text in ("{", '{"kind": "x"}', '{"kind": "tocsin.prior", "schema_version": 1}'):
        path.write_text(text)
        with pytest.raises(InputError):
            read_document(path)


def _folder(parent: Path) -> Path:
    folder = parent / "other"
    folder.mkdir()
    return folder


# Checked and retuned


def test_a_prior_that_what_happened_contradicts_is_a_conflict(app: App) -> None:
    found = check_prior(app, "strike", NOW)
    assert (found.units, found.verdict) == (UNITS, "conflict")
    assert "the base rate may be too high" in found.advice[0]
    right = change(app, "base_rate", "5%..30% per quarter", "as it happened")
    assert check_prior(right, "strike", NOW).checks[0].verdict == "fine"


def test_of_what_happens_once_the_time_at_risk_does_not_end_with_it(tmp_path: Path) -> None:
    """How many units it comes at in two years is binomial, whenever it came."""
    with open_app(several(tmp_path, "base-rate", 1, "false").folder) as app:
        known = change(app, "base_rate", "19.9%..20.1% per quarter", "known")
        [found] = check_prior(known, "strike", NOW).checks
    whole = binom(UNITS, 1 - 0.8 ** (730 / DAYS_IN["quarter"]))
    assert (found.lower, found.upper) == (whole.ppf(0.05), whole.ppf(0.95))
    assert found.observed == UNITS


def test_the_signs_count_in_the_time_at_risk(tmp_path: Path) -> None:
    with open_app(several(tmp_path, "hazard", 6).folder) as app:
        plain = check_prior(app, "strike", NOW).checks[0]
        assert plain.observed == 6 * UNITS
        strong = change(app, "union.ballot", "20x..60x", "strong")
        assert check_prior(strong, "strike", NOW).checks[0].upper > plain.upper


def test_retune_proposes_what_foresaw_better_and_writes_nothing(app: App) -> None:
    before = app.watch.folder.joinpath("watch.toml").read_bytes()
    found = propose_retune(app, "strike", NOW)
    assert found.is_better
    assert found.events == UNITS
    assert median_of(found.proposed) < median_of(found.stands)
    assert app.watch.folder.joinpath("watch.toml").read_bytes() == before
    right = change(app, "base_rate", found.proposed, "as proposed")
    assert not propose_retune(right, "strike", NOW).is_better


def test_one_unit_teaches_no_prior_for_itself(hazard: App) -> None:
    with pytest.raises(UsageError, match="count it twice"):
        propose_retune(hazard, "strike", NOW)


# From the command line


def answer(desk: Desk, *arguments: str, code: int = 0) -> Any:
    result = desk.run(*arguments, "--json")
    assert result.returncode == code, result.stderr
    return json.loads(result.stdout)


def test_the_commands_on_versions_say_and_do_it(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    expert = ("--expert", "5%..20%", "--expert", "10%..40%:2", "--reason", "two of us")
    made = answer(desk, "priors", "set", "strike", "base_rate", *expert, "--yes")
    assert (made["version"], made["notes"]) == (2, ["2 ranges pooled, linear"])
    history = desk.run("priors", "history", "q-strike").stdout
    assert "Version 2 by ada" in history
    assert "two of us\n  base_rate: 30%..60% per quarter, 90% sure -> " in history
    [diff] = answer(desk, "priors", "diff", "strike", "1", "2")["changes"]
    assert diff["key"] == "base_rate"
    assert answer(desk, "priors", "rollback", "strike", "1", "--yes")["version"] == 3
    assert 'base_rate = "30%..60% per quarter, 90% sure"  # as of old' in desk.file.read_text()
    out = tmp_path / "prior.json"
    assert desk.run("priors", "export", "strike", "--out", str(out)).returncode == 0
    assert "says all of that already" in desk.run("priors", "import", str(out)).stdout
    refused = desk.run("priors", "rollback", "strike", "9", "--yes")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_an_audit_of_a_store_that_was_touched_names_it_and_fails(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.run("update")
    anchor = desk.run("audit", "--anchor").stdout.strip()
    assert answer(desk, "audit", "--expect", anchor)["ok"]
    assert desk.run("audit", "--expect", "0" * 63 + "1").returncode == 1
    with closing(sqlite3.connect(desk.folder / "tocsin.db")) as connection, connection:
        connection.execute("UPDATE estimate SET probability = 0.5 WHERE question_id = 'q-long'")
    found = answer(desk, "audit", code=1)
    [wrong] = found["wrong"]
    assert wrong["what"] == "changed"
    assert "(q-long, " in wrong["where"]
    assert "NOT as it was sealed" in desk.run("audit").stdout
    assert desk.run("audit", "--expect", "abc").returncode == 2


def test_the_service_seals_what_was_said(app: App) -> None:
    settle_prior(app, "strike", NOW)
    service = Service(app, utc_now)
    service.thin()
    service.close()
    assert app.store.seals.head().number == 1
    assert app.store.seals.verify().wrong == ()


def test_a_person_is_asked_what_factors_are_where_it_matters(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, model="hazard")
    person, terminal = pty.openpty()
    os.write(person, b"likelihood-ratio\nn\n")
    change = ("priors", "set", "strike", "union.ballot", "2x..4x", "--within", "1 week")
    result = subprocess.run(
        [TOCSIN, *change],
        cwd=desk.folder,
        env=desk.environment,
        stdin=terminal,
        capture_output=True,
        text=True,
        check=True,
    )
    os.close(person)
    os.close(terminal)
    assert "a factor on the hazard, or a likelihood ratio?" in result.stderr
    assert "a likelihood ratio of 2x..4x about 7 days" in result.stderr
    assert "1.96x..3" in result.stdout
