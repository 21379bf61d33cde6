"""The crash harness in short: workers killed under load on both databases; `make crash` is long."""

from pathlib import Path

import pytest

from benchmarks.crash.run import rehearse_on


@pytest.mark.timeout(300)
def test_nothing_is_lost_made_up_or_told_under_two_ids_though_workers_are_killed(
    store_url: str, tmp_path: Path
) -> None:
    verdict = rehearse_on(store_url, tmp_path, kills=8, seed=8, tell=print)
    assert verdict.decisions > 5, "there was something to lose"
    assert verdict.messages > 20
    assert verdict.is_clean, verdict
