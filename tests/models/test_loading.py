"""What is done on kept draws starts at once: neither PyMC nor ArviZ is loaded for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from models.hazard import Hazard
from tests.models import worlds

KEPT = """
import sys
from dataclasses import replace
from pathlib import Path
from models.hazard import Hazard
from models.priors.elicit import Normal
from models.retuning import retuned
from tests.models import worlds

believed = worlds.beliefs(worlds.effect("a"), worlds.effect("b", 0.3))
reports = [worlds.report("r0", 60), worlds.report("r1", 150), worlds.report("r2", 195, "b")]
state = Path(sys.argv[1]).read_bytes()
if sys.argv[2] == "update":
    task = worlds.task(believed, 203, reports, [worlds.event("e0", 70.4)])
    [found] = Hazard().update(task, state).estimates
    print(found.method, found.probability.hex())
else:
    task = worlds.task(believed, 200, reports, [worlds.event("e0", 70.4)])
    rate = Normal(believed.log_rate.mean + float(sys.argv[2]), 0.4)
    print(retuned(Hazard(), task, replace(believed, log_rate=rate), state) is not None)
print(*{"pymc", "pytensor", "arviz_stats"} & {name.partition(".")[0] for name in sys.modules})
"""


@pytest.fixture(scope="module")
def state() -> bytes:
    believed = worlds.beliefs(worlds.effect("a"), worlds.effect("b", 0.3))
    reports = [worlds.report("r0", 60), worlds.report("r1", 150), worlds.report("r2", 195, "b")]
    task = worlds.task(believed, 200, reports, [worlds.event("e0", 70.4)])
    made = Hazard().update(task, None).state
    assert made is not None
    return made


def said(state: bytes, what: str, folder: Path) -> list[str]:
    (folder / "state").write_bytes(state)
    command = [sys.executable, "-c", KEPT, str(folder / "state"), what]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_an_update(state: bytes, tmp_path: Path) -> None:
    believed = worlds.beliefs(worlds.effect("a"), worlds.effect("b", 0.3))
    reports = [worlds.report("r0", 60), worlds.report("r1", 150), worlds.report("r2", 195, "b")]
    task = worlds.task(believed, 203, reports, [worlds.event("e0", 70.4)])
    [here] = Hazard().update(task, state).estimates
    assert said(state, "update", tmp_path) == [f"T1 {here.probability.hex()}", ""]


@pytest.mark.parametrize("away", ["0.1", "2.0"], ids=["weighed", "moved"])
def test_a_look_at_other_beliefs(state: bytes, away: str, tmp_path: Path) -> None:
    assert said(state, away, tmp_path) == ["True", ""]
