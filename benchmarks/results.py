"""docs/results.md: what the defaults score on real data, each line made by a command that is told.

    make results        # a quarter of an hour; the tables go to stdout, as Markdown

The data sets are not part of the project, but for the hurricanes in examples/: where they are
not beside it, their lines say so.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).resolve().parent.parent
DATA = "../shared/data"
TOCSIN = str(Path(sys.executable).parent / "tocsin")
SETS = (
    f"{DATA}/fmcs_strikes",
    f"{DATA}/usgs_quakes",
    f"{DATA}/who_don",
    f"{DATA}/noaa_storms",
    "examples/hurricanes",
)
QUAKES = (
    "--train-start 1973-01-01 --score-start 1985-01-01 --data-end 1999-12-31 --units all"
    f" --events {DATA}/usgs_quakes/events.csv.gz"
    f" --indicators {DATA}/usgs_quakes/indicators.csv.gz"
)
STRIKES = (
    f"--events {DATA}/fmcs_strikes/events.csv.gz --indicators {DATA}/fmcs_strikes/indicators.csv.gz"
)
OUTBREAKS = f"--events {DATA}/who_don/events.csv.gz --indicators {DATA}/who_don/indicators.csv.gz"
OTHERS = (  # other events, horizons and spacings, on which no choice was made
    f"--definition m70 --horizon '30 days' --every MS --score-end 1999-12-01 {QUAKES}",
    f"--definition m65 --horizon '7 days' --every '7 days' --score-end 1999-12-01 {QUAKES}",
    f"--definition m65 --horizon '365 days' --every MS --score-end 1998-12-01 {QUAKES}",
    "--definition strike --horizon '14 days' --every '14 days' --train-start 1985-01-01"
    f" --score-start 1988-01-01 --score-end 1995-12-01 --data-end 1995-12-31 {STRIKES}",
    "--definition large_strike --horizon '30 days' --every MS --quiet-days 180"
    " --train-start 1986-01-01 --score-start 1992-01-01 --score-end 2009-12-01"
    f" --data-end 2009-12-31 {STRIKES}",
    "--definition new_outbreak_report --horizon '30 days' --every MS --train-start 2000-01-01"
    f" --score-start 2002-01-01 --score-end 2010-10-01 --data-end 2010-12-31 {OUTBREAKS}",
)
HEAD = (
    "task", "forecasts / events (expected)", "Brier", "log loss", "AUC", "best baseline: log loss",
    "gain over it, nats x 1,000 (95 %)", "Brier gain over history x 10,000 (95 %)", "MCB",
    "calibration", "leak check",
)  # fmt: skip


def line(found: dict[str, Any]) -> tuple[str, ...]:
    """The cells of one task's result."""
    scores, baselines = found["scores"], found["baselines"]
    best = min(baselines, key=lambda name: baselines[name]["log_loss"])
    calibration = found["calibration"]
    verdict = calibration["verdict"].replace("_", " ")
    slope = calibration["slope"]
    return (
        name(found),
        f"{found['n']:,} / {found['events']:,} ({scores['expected']:,.0f})",
        f"{scores['brier']:.5f}",
        f"**{scores['log_loss']:.4f}**",
        f"{scores['auc']:.3f}",
        f"{best}: {baselines[best]['log_loss']:.4f}",
        interval(found["skill"][best]["log_loss"], 1e3),
        interval(found["skill"]["history"]["brier"], 1e4),
        f"{calibration['mcb']:.5f}",
        f"{verdict}, slope {slope:.2f}" if slope is not None else verdict,
        "passed" if found["leak_check"]["passed"] else "FAILED",
    )


def name(found: dict[str, Any]) -> str:
    """The task's name, or what was asked for by flags."""
    asked = found["settings"]
    if found["task"] != "backtest":
        return str(found["task"])
    quiet = f", {asked['quiet_days']:g} quiet days before" if asked["quiet_days"] else ""
    return f"{asked['definition']}, {asked['horizon_days']:g} days{quiet}"


def interval(gain: dict[str, Any], times: float) -> str:
    """A gain and its interval."""
    value, lower, upper = (gain[key] for key in ("value", "lower", "upper"))
    if lower is None:
        return f"{value * times:.2f}"
    return f"{value * times:.2f} ({lower * times:.2f} to {upper * times:.2f})"


def tables(commands: tuple[str, ...], store: Path) -> Iterator[str]:
    """A Markdown table of the tasks of some commands, and the commands."""
    yield row(HEAD)
    yield row(("---",) * len(HEAD))
    for arguments in commands:
        if missing := [part for part in _places(arguments) if not (HERE / part).exists()]:
            yield row((f"{missing[0]} is not there", *[""] * (len(HEAD) - 1)))
            continue
        found = run(f"backtest {arguments} --json", store)
        for task in found.get("tasks", [found]):
            what, *cells = line(task)
            yield row((f"{what}{_origin(arguments)}", *cells))
    yield ""
    yield "```sh"
    yield from (f"tocsin backtest {arguments}" for arguments in commands)
    yield "```"


def row(cells: tuple[str, ...]) -> str:
    """One row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def run(arguments: str, folder: Path) -> dict[str, Any]:
    """The JSON that a command of ours prints; progress goes through."""
    places = set(_places(arguments))
    words = [str(HERE / part) if part in places else part for part in shlex.split(arguments)]
    command = [TOCSIN, *words]
    ran = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def _origin(arguments: str) -> str:
    """Of a task of a folder, the folder."""
    first = arguments.split()[0]
    return "" if first.startswith("--") else f" ({first.removeprefix(f'{DATA}/')})"


def _places(arguments: str) -> list[str]:
    """The paths among arguments, from the project's folder."""
    return [part for part in shlex.split(arguments) if "/" in part]


def main() -> None:
    """Print all tables."""
    with TemporaryDirectory() as folder:
        for title, commands in (("Panels", SETS), ("Other events and horizons", OTHERS)):
            print(f"\n## {title}\n", flush=True)
            for text in tables(commands, Path(folder)):
                print(text, flush=True)


if __name__ == "__main__":
    main()
