"""Forecasts as a scenario file scripts them, played on a store that a test may look into."""

import tomllib
from pathlib import Path

from forecast.store import Store
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.scenario import Outcome, run_plan
from jobs.scenario_file import ScenarioFile
from jobs.scenario_plan import config_of, plan_of

NO_WATCH = parse_config('[watch]\ntitle = "None"\n')
RULES = """
[[rules]]
id = "likely"
fire_at = "40%"
clear_at = "30%"

[[rules]]
id = "doubled"
kind = "change"
fire_at = "2x"
over = "3 days"

[[rules]]
id = "moved"
kind = "change"
fire_at = "1.5x"
over = "last alert"

[[rules]]
id = "sure"
kind = "certainty"
level = "35%"
"""
STALE = """
[[rules]]
id = "quiet"
kind = "stale"
after = "5 days"
"""


def played(store: Store, text: str) -> tuple[App, Outcome]:
    """The desk after the first test of a file, and what the test came to."""
    file = ScenarioFile.model_validate(tomllib.loads(text))
    config = config_of(file, lambda: NO_WATCH, "file")
    plan = plan_of(file, file.tests[0], config, "file: tests.0")
    app = App(Watch(Path("nowhere"), config), store)
    return app, run_plan(app, plan)
