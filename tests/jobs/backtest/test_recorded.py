"""The references are no strawmen: on public panels they do what the data's README records.

The data are not part of the project; where they are absent this is skipped.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast.panel_table import PanelTable
from forecast.scoring.scores import scores
from jobs.backtest.blocks import References, run_block
from jobs.backtest.origins import origins
from jobs.backtest.packing import unpack_facts
from jobs.backtest.risk import with_spans
from jobs.backtest.source import Files, from_files
from jobs.backtest.walk import blocks_of, joined, walk
from jobs.executor import Here

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
# rows, events, and the mean log losses that the README gives
RECORDED = {
    "large_strike_30d": ("fmcs_strikes", 11_448, 328, (0.1158, 0.1181, 0.1121, 0.1114)),
    "large_strike_90d": ("fmcs_strikes", 11_342, 898, (0.2408, 0.2448, 0.2305, 0.2284)),
    "m65_30d": ("usgs_quakes", 19_080, 568, (0.1183, 0.1219, 0.1181, 0.1172)),
    "new_outbreak_90d": ("who_don", 26_943, 1_131, (0.1649, 0.1627, 0.1598, 0.1670)),
}
NAMED = ("unit", "recency", "history", "logistic")
NEAR = 1.0125
ON_DATA = pytest.mark.skipif(
    not DATA.is_dir(), reason="the public panels are not beside the project"
)


@ON_DATA
@pytest.mark.parametrize("name", RECORDED)
def test_references_come_near_the_recorded_losses_or_beat_them(name: str) -> None:
    folder, rows, events, losses = RECORDED[name]
    source = from_files(DATA / folder, (name,), Files(), {})
    task = source.tasks[0]
    facts = with_spans(task, unpack_facts(source.packed))
    references = References.of(facts, task, origins(task))
    blocks = blocks_of(task, 1, False)
    asked = [np.isin(references.marks.origin, block.origins) for block in blocks]
    outcome = np.concatenate([np.isfinite(references.held.first[its]) for its in asked])
    found = [
        references.forecasts(block.as_of, its) for block, its in zip(blocks, asked, strict=True)
    ]
    for reference, loss in zip(NAMED, losses, strict=True):
        p = np.concatenate([part[reference] for part in found])
        score = scores(p, outcome)
        assert (score.n, score.events) == (rows, events)
        assert score.log_loss <= loss * NEAR, reference


@ON_DATA
def test_a_short_walk_through_real_earthquakes_beats_the_pooled_rate() -> None:
    flags = {"score_end": "1986-12-31", "model": "panel"}
    source = from_files(DATA / "usgs_quakes", ("m65_30d",), Files(), flags)
    [task] = source.tasks
    settings = PanelTable(history=(1.0, 12.0, "forever"), shrinkage=(0.03,))
    task = replace(task, settings=settings)
    blocks = blocks_of(task, 1, False)
    rows = joined(blocks, walk(Here(source.packed), run_block, blocks, lambda *_: None)).rows
    assert len(rows) == 2 * 12 * 106
    ours, pooled = (scores(p, rows.outcome) for p in (rows.p, rows.baselines["pooled"]))
    assert ours.log_loss < 0.93 * pooled.log_loss
    assert ours.events == pytest.approx(ours.expected, rel=0.35)
