"""A silent source and a broken one ring, and their end is told (matrix row 30)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.readings import read_source
from forecast.alert import Rule, RuleKind, State
from forecast.clock import parse_instant
from forecast.source import SourceState
from forecast.store import Store
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.sweep import Swept, sweep

NOW = parse_instant("2025-11-29T12:00Z")
HOUR, GAP = timedelta(hours=1), timedelta(hours=6)
WATCH = """
[watch]
title = "The desk"
[[sources]]
id = "wire"
kind = "rss"
url = "https://wire.example/feed"
expected_gap = "6 hours"
[[channels]]
id = "desk"
kind = "log"
[[subscriptions]]
channel = "desk"
"""
STATE = SourceState("wire", since=NOW, due_at=NOW, succeeded_at=NOW, brought_at=NOW)
BROKEN = replace(STATE, failures=3, failed_at=NOW, reason="the source answered (500)")


def rule(**more: Any) -> Rule:
    return Rule("r", kind=RuleKind.SOURCE, dwell_up=1, dwell_down=1, **more)


def read(when: str, state: SourceState, after: timedelta | None, hours: float) -> float:
    return read_source(rule(when=when, after=after), state, GAP, NOW + hours * HOUR).value


@pytest.mark.parametrize(
    ("when", "state", "hours", "value"),
    [
        ("either", STATE, 5, 0.0),
        ("either", STATE, 6.5, 0.5),
        ("either", STATE, 7.5, 1.0),
        ("silent", STATE, 7.5, 1.0),
        ("broken", STATE, 7.5, 0.0),
        ("either", BROKEN, 0.5, 0.5),
        ("either", BROKEN, 1.5, 1.0),
        ("broken", BROKEN, 1.5, 1.0),
        ("silent", BROKEN, 9, 0.5),
        ("either", replace(BROKEN, is_off=True), 9, 0.0),
    ],
)
def test_a_rule_rings_for_what_it_asks_and_a_short_trouble_neither_rings_nor_clears(
    when: str, state: SourceState, hours: float, value: float
) -> None:
    assert read(when, state, HOUR, hours) == value


def test_without_a_span_it_rings_at_once() -> None:
    assert read("broken", BROKEN, None, 0) == 1.0


def app_of(store: Store, folder: Path, text: str = "") -> App:
    return App(Watch(folder, parse_config(WATCH + text)), store)


def told(swept: Swept) -> list[tuple[str, str, str]]:
    return [(n.rule_id, n.subject, n.kind.value) for n in swept.notices]


def test_matrix_30_a_source_that_dries_up_is_one_alert_and_one_end(
    store: Store, tmp_path: Path
) -> None:
    app = app_of(store, tmp_path)
    store.sources.heard("wire", NOW, 1)
    assert told(sweep(app, NOW + 6 * HOUR)) == []
    swept = sweep(app, NOW + 8 * HOUR)
    assert told(swept) == [("source-unhealthy", "wire", "firing")]
    assert swept.transitions[0].detail == (
        "The source wire answers, and has brought nothing new for 8 hours."
    )
    facts = swept.notices[0].facts
    assert facts["subject"] == {"kind": "source", "id": "wire", "title": "wire"}
    assert facts["rule"]["when"] == "either"
    assert told(sweep(app, NOW + 9 * HOUR)) == []
    store.sources.heard("wire", NOW + 10 * HOUR, 1)
    assert told(sweep(app, NOW + 10 * HOUR)) == [("source-unhealthy", "wire", "resolved")]


def test_a_source_that_fails_rings_with_its_reason(store: Store, tmp_path: Path) -> None:
    app = app_of(store, tmp_path)
    claimed = store.sources.claim("wire", "me", NOW, HOUR, 9 * HOUR)
    assert claimed is not None
    failed = replace(claimed, failures=1, failed_at=NOW, reason="the source answered (500)")
    store.sources.keep(failed, None)
    assert told(sweep(app, NOW + HOUR / 2)) == []
    swept = sweep(app, NOW + HOUR)
    assert told(swept) == [("source-unhealthy", "wire", "firing")]
    assert swept.transitions[0].detail == (
        "The source wire has failed since 2025-11-29 12:00 UTC: the source answered (500)."
    )
    store.sources.switch("wire", NOW + 2 * HOUR, is_off=True, author="ada", reason="gone")
    assert told(sweep(app, NOW + 2 * HOUR)) == [("source-unhealthy", "wire", "resolved")]


def test_a_source_that_is_taken_out_of_the_watch_is_nobodys_trouble_any_more(
    store: Store, tmp_path: Path
) -> None:
    store.sources.heard("wire", NOW, 1)
    sweep(app_of(store, tmp_path), NOW + 9 * HOUR)
    gone = WATCH[: WATCH.index("[[sources]]")] + WATCH[WATCH.index("[[channels]]") :]
    without = App(Watch(tmp_path, parse_config(gone)), store)
    assert told(sweep(without, NOW + 10 * HOUR)) == [("source-unhealthy", "wire", "resolved")]
    (state,) = store.alerts.states()
    assert state.state is State.OK


def test_a_rule_of_ones_own_watches_the_sources_that_it_names(store: Store, tmp_path: Path) -> None:
    text = '[[rules]]\nid = "mine"\nkind = "source"\nsources = ["wi*"]\nwhen = "silent"\n'
    other = '[[rules]]\nid = "not"\nkind = "source"\nsources = ["x*"]\n'
    store.sources.heard("wire", NOW, 1)
    swept = sweep(app_of(store, tmp_path, text + other), NOW + 7 * HOUR)
    assert told(swept) == [("mine", "wire", "firing")]
