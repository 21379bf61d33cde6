"""What `tocsin models fit` says: as JSON, in words, and as the file that others read."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from forecast.clock import format_instant
from forecast.panel_table import PanelTable
from jobs.backtest.origins import from_days
from jobs.model_fit import Beside, Choice
from models.panel.choosing.differences import Difference
from models.panel.choosing.search import Trial
from models.panel.choosing.table import NAMES, table_from

SCHEMA_VERSION = 1
UNSURE = "too few stretches of time to say how sure"


def choice_json(choice: Choice, findings: tuple[str, ...]) -> dict[str, Any]:
    """One task's choice as JSON values; `settings` are those that stand."""
    plan, support = choice.plan, choice.support
    return {
        "schema_version": SCHEMA_VERSION,
        "task": plan.task.name,
        "judged_from": _moment(plan.judged[0][0]),
        "held_out_from": _moment(plan.boundary),
        "known_until": _moment(plan.until),
        "blocks": len(plan.judged),
        "support": asdict(support) | {
            "events": support.events,
            "crowded": support.is_crowded,
            "widest_shrinkage": support.widest if support.widest < 1 else None,
        },
        "tried": [_trial_json(trial) for trial in choice.found.trials],
        "picked": [{"axis": trial.axis, "name": trial.name} for trial in choice.picked],
        "judged": asdict(choice.judged),
        "held_out": asdict(choice.held) | {"references": choice.references},
        "optimism": choice.optimism,
        "stands": "picked" if choice.is_changed else "default",
        "verdict": choice.words,
        "settings": _stated(table_from(choice.stands)),
        "findings": [*choice.findings, *findings],
        "seconds": choice.seconds,
    }  # fmt: skip


def trial_row(trial: Trial) -> tuple[str, str, str, str, str]:
    """A row of the table: candidate, log loss, gain over the default, seconds, verdict."""
    name = trial.name if trial.log_loss is not None and trial.gain is None else _named(trial)
    if trial.log_loss is None:
        return name, "", "", "", f"not tried: {trial.why}"
    gain = "" if trial.gain is None else _gain(trial.gain)
    words = f"taken: {trial.why}" if trial.is_kept else trial.why
    return name, f"{trial.log_loss:.5f}", gain, f"{trial.seconds:.0f}", words


def opening(choice: Choice) -> str:
    """What was asked, and of what."""
    plan, judged, held = choice.plan, choice.judged, choice.held
    return (
        f"{plan.task.name}: {judged.n:,} forecasts at {judged.origins} origins from "
        f"{_day(plan.judged[0][0])} decide, in {len(plan.judged)} blocks; {held.n:,} at "
        f"{held.origins} from {_day(plan.boundary)} on are held out"
    )


def sentences(choice: Choice) -> list[str]:
    """What was picked, what it was worth where it was picked and where not, and what stands."""
    judged, held = choice.judged, choice.held
    beside = ", ".join(f"{name} {loss:.5f}" for name, loss in choice.references.items())
    if not choice.picked:
        found = [
            f"Held out, the default's log loss is {held.log_loss:.5f} (where it was judged "
            f"{judged.log_loss:.5f}); without a model: {beside}."
        ]
    else:
        found = [
            f"Picked: {'; '.join(_named(trial) for trial in choice.picked)}.",
            f"Where it was picked its log loss is {_beside(judged)}.",
            f"Held out it is {_beside(held)}; without a model: {beside}.",
            f"The gain where it was picked is {choice.optimism:+.5f} above the one held out: "
            "so much of it was optimism.",
        ]
    found += [f"{finding[0].upper()}{finding[1:]}." for finding in choice.findings]
    return [*found, f"{choice.words[0].upper()}{choice.words[1:]}."]


def settings_toml(choice: Choice) -> str:
    """The settings that stand, as `forecast.panel_table` reads them."""
    until = from_days(choice.plan.until) if choice.is_changed else None
    lines = [
        f"# tocsin models fit, {json.dumps(choice.plan.task.name)}: {choice.words}",
        "# Lengths of time are in horizons, and changes of levels in their usual gaps.",
    ]
    if until:
        lines += [
            "# Facts until then had a part in the choice: forecasts before it are no fair record.",
            f"chosen_until = {format_instant(until)}",
        ]
    stated = _stated(table_from(choice.stands))
    lines += [f"{name} = {json.dumps(value)}" for name, value in stated.items()]
    return "\n".join(lines) + "\n"


def _trial_json(trial: Trial) -> dict[str, Any]:
    return {
        "axis": trial.axis,
        "name": trial.name,
        "log_loss": trial.log_loss,
        "gain": None if trial.gain is None else asdict(trial.gain),
        "seconds": trial.seconds,
        "kept": trial.is_kept,
        "why": trial.why,
        "settings": _stated(table_from(trial.settings)),
    }


def _stated(table: PanelTable) -> dict[str, Any]:
    """Every setting by its name, lists as lists."""
    values = {name: getattr(table, name) for name in NAMES}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


def _named(trial: Trial) -> str:
    return f"{trial.axis}: {trial.name}"


def _beside(found: Beside) -> str:
    return f"{found.log_loss:.5f} against the default's {found.default:.5f}, {_gain(found.gain)}"


def _gain(gain: Difference) -> str:
    error = f"± {gain.error:.5f}" if gain.error is not None else f"({UNSURE})"
    return f"{gain.value:+.5f} {error}"


def _moment(days: float) -> str:
    return format_instant(_whole(days))


def _day(days: float) -> str:
    return _whole(days).date().isoformat()


def _whole(days: float) -> datetime:
    return from_days(days).replace(microsecond=0)
