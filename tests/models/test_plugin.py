"""A family from a package of its own: pip install, and nothing else, puts it to work."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytest

from forecast.errors import HeldError
from models.api import Task
from models.covariates import Array
from models.family import PyMCFamily
from models.testing import check_model, sample_task
from models.track import lay_out

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "examples/plugins/tocsin-seasonal"
DOCS = ROOT / "docs/plugins.md"

CHECK = """
from models.registry import family
from models.testing import check_model
if __name__ == "__main__":
    check_model(family("seasonal"))
    print("kept the contract")
"""

CLI = ("-c", "from jobs.cli import main; main()")
WATCH = """
[watch]
title = "Storms"

[definitions.storm]
model = "seasonal"
base_rate = "5%..20% per quarter"
recurrent = true
observed_since = 2024-01-01
"""

QUESTIONS = """question_id,title,unit,definition,opens_at,deadline
storm-2025,A storm by June?,coast,storm,2025-01-01,2025-06-30
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which pip put the package, without its dependencies."""
    folder = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(PLUGIN, folder / "source")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--target", str(folder / "site"), str(source)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return folder / "site"


def run(installed: Path, *command: str) -> str:
    environment = {"PYTHONPATH": f"{installed}:{ROOT}", "PATH": "/usr/bin:/bin", "HOME": "/tmp"}
    done = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_installed_plug_in_is_found_and_keeps_the_contract(
    installed: Path, tmp_path: Path
) -> None:
    script = tmp_path / "check.py"
    script.write_text(CHECK)
    assert run(installed, str(script)) == "kept the contract\n"


def test_a_watch_can_name_it(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "watch.toml").write_text(WATCH)
    (tmp_path / "questions.csv").write_text(QUESTIONS)
    watch = ("--watch", str(tmp_path))
    run(installed, *CLI, "ingest", str(tmp_path / "questions.csv"), *watch)
    told = run(installed, *CLI, "update", "--as-of", "2025-03-01", "--json", *watch)
    assert '"method": "R1"' in told
    assert '"storm-2025"' in told


def test_the_docs_hold_the_whole_example() -> None:
    blocks = re.findall(r"```(?:python|toml)\n(.*?)```", DOCS.read_text(), re.DOTALL)
    for name in ("pyproject.toml", "tocsin_seasonal.py"):
        assert (PLUGIN / name).read_text() in blocks


def broken_model(values: Mapping[str, Any]) -> pm.Model:
    with pm.Model() as model:
        data = {name: pm.Data(name, value) for name, value in values.items()}
        rate = pm.Normal("rate", 0.0, 1.0)
        pm.Potential("likelihood", (data["factor"] * rate).sum())
    return model


class Broken(PyMCFamily):
    """A family whose likelihood is `factor` times its parameter."""

    name = "broken"
    uses_nuts = False
    build = staticmethod(broken_model)

    def __init__(self, factor: float, expects: float = 0.001) -> None:
        self.factor, self.expects = factor, expects

    def data(self, task: Task) -> dict[str, Array]:
        return {"factor": np.full(len(lay_out(task).rows.exposure), self.factor)}

    def expected(self, values: dict[str, Array], task: Task, days: Array) -> Array:
        return np.outer(np.exp(0.1 * values["rate"]) * self.expects, days)


def test_a_density_that_is_no_number_leaves_an_unverified_estimate() -> None:
    broken = Broken(np.inf)
    for estimate in broken.update(sample_task(broken), None).estimates:
        assert estimate.health.value == "unverified"
        assert "weights of the draws are not numbers" in estimate.reason
        assert [rung[:2] for rung in estimate.escalation] == ["R1", "R1", "T2"]


def test_data_that_are_no_numbers_are_named() -> None:
    broken = Broken(np.nan)
    with pytest.raises(HeldError, match="the data 'factor' of the model are not all numbers"):
        broken.update(sample_task(broken), None)


def test_a_probability_that_is_no_number_is_held_in_words() -> None:
    broken = Broken(0.0, np.nan)
    with pytest.raises(HeldError, match="the model gave no number"):
        broken.update(sample_task(broken), None)


def test_data_that_a_family_changes_in_place_are_put_in_anew() -> None:
    broken, theta = InPlace(), np.array([[2.0]])
    task = sample_task(broken)
    one = broken.work(task).problem.target
    before = one.log_likelihood(theta)[0]
    broken.factor = 3.0
    other = broken.work(task).problem.target
    assert other.log_likelihood(theta)[0] == pytest.approx(3 * before)
    assert one.log_likelihood(theta)[0] == pytest.approx(before)


def test_the_same_family_in_good_health_keeps_the_contract() -> None:
    check_model(Sound())


def test_events_that_have_happened_count_towards_those_asked_for() -> None:
    task = sample_task(Sound())
    opens = task.snapshot.events[0].occurred_at - timedelta(days=1)
    two = replace(task.questions[1], at_least=2, opens_at=opens)
    more = replace(two, question_id="more", at_least=3)
    estimates = Sound().update(replace(task, questions=(two, more)), None).estimates
    assert estimates[0].at_least[0] == 1.0
    assert estimates[0].probability == pytest.approx(estimates[0].at_least[1])
    assert estimates[1].probability == pytest.approx(estimates[1].at_least[2])
    assert estimates[0].expected_count is not None
    assert estimates[0].expected_count > 1.0


class Sound(Broken):
    """With beliefs in its rate, so that a retuned prior tells."""

    name = "sound"

    def __init__(self) -> None:
        super().__init__(0.001)

    def expected(self, values: dict[str, Array], task: Task, days: Array) -> Array:
        base = np.exp(task.beliefs.log_rate.mean)
        return np.outer(np.exp(0.1 * values["rate"]) * base, days)


class InPlace(Broken):
    """With one dictionary for all its data."""

    def __init__(self) -> None:
        super().__init__(1.0)
        self.kept: dict[str, Array] = {}

    def data(self, task: Task) -> dict[str, Array]:
        self.kept.update(super().data(task))
        return self.kept
