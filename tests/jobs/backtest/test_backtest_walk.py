"""The walk: the same bytes wherever it is run, from where it was killed, and no leak unseen."""

import os
import socket
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from distributed import LocalCluster

from forecast.backtest import BacktestTask, Forecasts
from forecast.errors import OutsideError, UsageError
from jobs.backtest.blocks import check, learn, run_block
from jobs.backtest.packing import pack_facts, pack_forecasts, unpack_facts, unpack_forecasts
from jobs.backtest.risk import with_spans
from jobs.backtest.run import code_digest
from jobs.backtest.source import Files, Source, from_files
from jobs.backtest.walk import blocks_of, check_size, joined, walk
from jobs.executor import Cluster, Executor, Here, Processes
from models.panel.facts import Facts, Spans, Stream
from tests.jobs.backtest.synthetic import panel


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return from_files(panel(tmp_path_factory.mktemp("panel")), (), Files(), {})


@pytest.fixture(scope="module")
def here(source: Source) -> Forecasts:
    """The rows as this process makes them."""
    return walked(source, Here(source.packed))


def walked(source: Source, executor: Executor, check: bool = False) -> Forecasts:
    blocks = blocks_of(source.tasks[0], 1, check)
    return joined(blocks, walk(executor, run_block, blocks, quiet)).rows


def local_cluster(workers: int, threads: int) -> Any:
    """Dask's own processes on loopback."""
    make: Any = LocalCluster  # it has no types
    return make(
        n_workers=workers, threads_per_worker=threads, host="127.0.0.1", dashboard_address=None
    )


def quiet(done: int, total: int) -> None:
    """Progress that nobody reads."""


def test_a_block_forecasts_every_unit_that_was_seen_at_each_of_its_origins(
    here: Forecasts,
) -> None:
    assert len(here) == 8 * 47
    assert len(np.unique(here.origin)) == 47
    assert np.all(np.diff(here.origin) >= 0)
    assert np.all((here.lower <= here.p) & (here.p <= here.upper))
    assert set(here.baselines) == {
        "pooled", "unit", "recency", "history", "logistic", "persistence",
    }  # fmt: skip


def test_outcomes_are_events_in_the_window_and_their_first_day_is_told(
    here: Forecasts, source: Source
) -> None:
    facts = unpack_facts(source.packed)
    for unit, origin, outcome, at in zip(
        here.unit, here.origin, here.outcome, here.event_at, strict=True
    ):
        own = facts.events.occurred[facts.events.unit == unit]
        inside = own[(own >= origin) & (own < origin + 30)]
        assert outcome == (len(inside) > 0)
        assert at == inside.min() if len(inside) else np.isnan(at)


def test_processes_make_the_same_bytes(source: Source, here: Forecasts) -> None:
    executor = Processes(source.packed, 2)
    try:
        assert pack_forecasts(walked(source, executor)) == pack_forecasts(here)
    finally:
        executor.close()


def test_rows_come_back_from_their_bytes(here: Forecasts) -> None:
    again = unpack_forecasts(pack_forecasts(here))
    assert pack_forecasts(again) == pack_forecasts(here)
    assert again.units == here.units


def test_a_dask_cluster_makes_the_same_bytes(source: Source, here: Forecasts) -> None:
    with local_cluster(2, 2) as cluster:
        executor = Cluster(source.packed, cluster.scheduler_address, code_digest)
        try:
            assert pack_forecasts(walked(source, executor)) == pack_forecasts(here)
        finally:
            executor.close()


def test_a_cluster_that_is_not_there_is_said_in_one_line() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(OutsideError, match="no Dask cluster answers") as raised:
            Cluster(b"", address, code_digest, patience=0.5)
    assert raised.value.at == address


def test_workers_of_another_version_are_refused() -> None:
    refused = pytest.raises(OutsideError, match="1 workers run another version of Tocsin")
    with local_cluster(1, 1) as cluster, refused:
        Cluster(b"", cluster.scheduler_address, os.getpid)


# Leaks


class HappenedIsKnown(Facts):
    """Facts of a careless desk: whatever happened is taken to have been known at once."""

    def __post_init__(self) -> None:
        for name in ("indicators", "events"):
            stream = getattr(self, name)
            object.__setattr__(self, name, replace(stream, known=stream.occurred))


class Prophetic(Facts):
    """Facts that hold nothing back from a fit."""

    def before(self, t: float) -> "Prophetic":
        return self


@pytest.fixture(scope="module")
def late(source: Source) -> Facts:
    """The facts, each known some days after it happened."""
    facts = unpack_facts(source.packed)
    rng = np.random.default_rng(1)
    return replace(facts, indicators=delayed(facts.indicators, rng))


def delayed(rows: Stream, rng: np.random.Generator) -> Stream:
    known = rows.occurred + rng.uniform(0.0, 20.0, len(rows))
    return Stream.of(rows.unit, rows.name, rows.occurred, known, rows.value)


def checked(kind: type[Facts], facts: Facts, task: BacktestTask) -> tuple[int, int]:
    """How many rows were planted in facts of a kind, and how many forecasts they changed."""
    own = kind(facts.units, facts.tags, facts.kinds, facts.indicators, facts.events, facts.spans)
    block = blocks_of(task, 1, True)[0]
    return check(own, block, learn(own, block))


def test_what_is_planted_later_changes_nothing(source: Source, late: Facts) -> None:
    planted, changed = checked(Facts, late, source.tasks[0])
    assert planted > 400
    assert changed == 0


@pytest.mark.parametrize("kind", [HappenedIsKnown, Prophetic])
def test_a_leak_is_found(source: Source, late: Facts, kind: type[Facts]) -> None:
    planted, changed = checked(kind, late, source.tasks[0])
    assert planted > 400
    assert changed > 0


def test_who_is_at_risk_may_not_depend_on_what_is_known_later(source: Source, late: Facts) -> None:
    task = replace(source.tasks[0], quiet_days=40.0)
    late = replace(late, events=delayed(late.events, np.random.default_rng(2)))
    assert checked(Facts, late, task)[1] == 0
    assert checked(HappenedIsKnown, late, task)[1] > 0


def test_a_walk_over_less_says_the_same_of_the_time_before_it_ends(
    source: Source, here: Forecasts
) -> None:
    # what is planted at an origin cannot show a look at the origins after it; this can
    facts = unpack_facts(source.packed)
    blocks = blocks_of(source.tasks[0], 1, False)[:2]
    end = blocks[1].origins[6]
    shorter = pack_facts(facts.before(end))
    rows = joined(blocks, [run_block(shorter, block) for block in blocks]).rows
    ours, theirs = rows.origin <= end, here.origin <= end
    assert np.array_equal(rows.unit[ours], here.unit[theirs])
    np.testing.assert_allclose(rows.p[ours], here.p[theirs], rtol=1e-9)
    for name, said in rows.baselines.items():
        np.testing.assert_allclose(said[ours], here.baselines[name][theirs], rtol=1e-9)


@pytest.mark.parametrize(
    "more",
    [
        {"quiet_days": 20.0},
        {"units": "all"},
        {"at_risk": "until-event"},
        {"refit": "never", "level_tags": ("noise",)},
    ],
)
def test_no_kind_of_task_leaks(source: Source, late: Facts, more: dict[str, Any]) -> None:
    task = replace(source.tasks[0], **more)
    facts = with_spans(task, late)
    assert checked(Facts, facts, task)[1] == 0


def test_some_blocks_are_checked_with_their_fit_and_others_at_some_origins(
    source: Source,
) -> None:
    blocks = blocks_of(source.tasks[0], 1, True)
    assert [block.check_fit for block in blocks] == [True, False, False, True]
    assert sum(len(block.checked) for block in blocks) == 12
    assert not any(block.checked for block in blocks_of(source.tasks[0], 1, False))


def test_leaks_are_looked_for_where_a_unit_is_at_risk(source: Source) -> None:
    facts = unpack_facts(source.packed)
    # as with storms: three days of a unit a year, and nobody at risk at any other time
    lives = [float(day) for day in range(12500, 13800, 365)]
    spans = Spans(np.arange(4), np.array(lives), np.array(lives) + 3.0)
    task = replace(source.tasks[0], every="6h")
    blocks = blocks_of(task, 1, True, replace(facts, spans=spans))
    checked = [o for block in blocks for o in block.checked]
    assert len(checked) == 12
    assert all(any(day < o <= day + 3.0 for day in lives) for o in checked)
    assert sum(block.check_fit for block in blocks) == 2
    assert all(block.checked for block in blocks if block.check_fit)


def test_where_nobody_is_ever_at_risk_there_is_no_leak_check(source: Source) -> None:
    nobody = Spans(np.empty(0, np.int64), np.empty(0), np.empty(0))
    facts = replace(unpack_facts(source.packed), spans=nobody)
    assert not any(b.checked or b.check_fit for b in blocks_of(source.tasks[0], 1, True, facts))


def test_a_walk_with_nothing_to_score_or_too_much_to_hold_is_refused(source: Source) -> None:
    facts, task = unpack_facts(source.packed), source.tasks[0]
    check_size(task, facts)
    nobody = Spans(np.empty(0, np.int64), np.empty(0), np.empty(0))
    with pytest.raises(UsageError, match="hits: no unit is at risk at any origin"):
        check_size(task, replace(facts, spans=nobody))
    many = replace(facts, units=tuple(map(str, range(500_000))))
    with pytest.raises(UsageError, match="47 origins of 500,000 units are more than 20,000,000"):
        check_size(task, many)
