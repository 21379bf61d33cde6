"""A question as a tree of datasets: its posterior for ArviZ, its estimates over time, its evidence.

posterior, sample_stats   the draws behind the newest estimate, see `models.export`
estimates                 probability, lower, upper, mcse (as_of), quantiles (as_of, level)
beliefs                   prior, posterior (belief, number), moved_sd, narrower, words (belief)
"""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zipfile import ZipFile

from forecast.belief import Learnt
from forecast.errors import HeldError, OutsideError, UsageError
from forecast.estimate import QUANTILE_LEVELS, Estimate
from forecast.question import Question
from jobs.app import App
from jobs.update import Snapshots, prepare

if TYPE_CHECKING:
    from xarray import DataTree


def question_tree(app: App, question: Question, now: datetime) -> "DataTree":
    """The tree of a question as it stands; nothing is written.

    UsageError where its family keeps no draws, HeldError where nothing was fitted yet.
    """
    from models.api import Certifiable
    from models.export import posterior_tree
    from models.registry import family

    history = app.store.estimates(question.question_id, until=now)
    if not history:
        raise HeldError("there is no estimate yet", at=question.question_id)
    model = family(app.config.definitions[app.config.root_of(question.definition)].model)
    if not isinstance(model, Certifiable):
        raise UsageError(f"the family '{model.name}' keeps no draws", at=question.question_id)
    work = prepare(app, [question], Snapshots(app, history[-1].as_of), {})
    if work is None or not work.task.questions:
        raise UsageError("has ended: its draws are those of no estimate", at=question.question_id)
    tree = posterior_tree(model.posterior(work.task, work.state), app.config.watch.seed)
    tree["estimates"] = _estimates(history)
    root = app.config.root_of(question.definition)
    learnt = app.store.learnt.at(root, question.unit, now)
    if learnt is not None and learnt.beliefs:
        tree["beliefs"] = _beliefs(learnt)
    tree.attrs |= {
        "question_id": question.question_id,
        "title": question.title,
        "as_of": history[-1].as_of.isoformat(),
        "model": history[-1].model,
        "model_hash": history[-1].model_hash,
    }
    return tree


def write_tree(tree: "DataTree", path: Path) -> None:
    """Zarr: a folder, or one file where the name ends in `.zip`."""
    try:
        if path.suffix != ".zip":
            tree.to_zarr(path, mode="w", consolidated=False)
            return
        # into the archive at once zarr writes some of its files twice
        with TemporaryDirectory() as folder:
            tree.to_zarr(folder, mode="w", consolidated=False)
            with ZipFile(path, "w") as archive:
                for file in sorted(Path(folder).rglob("*")):
                    archive.write(file, file.relative_to(folder))
    except OSError as error:
        raise OutsideError(f"cannot be written: {error.strerror or error}", at=str(path)) from None


def _beliefs(learnt: Learnt) -> "DataTree":
    from xarray import Dataset, DataTree

    told, names = learnt.beliefs, ("median", "lower", "upper")

    def numbers(which: str) -> tuple[tuple[str, str], list[list[float]]]:
        found = [getattr(belief, which) for belief in told]
        return ("belief", "number"), [[getattr(n, name) for name in names] for n in found]

    found: Dataset = Dataset(
        {
            "prior": numbers("prior"),
            "posterior": numbers("now"),
            "moved_sd": ("belief", [belief.moved for belief in told]),
            "narrower": ("belief", [belief.narrower for belief in told]),
            "words": ("belief", [belief.words for belief in told]),
            "half_life": ("belief", [belief.fading for belief in told]),
            "unit": ("belief", [belief.prior.unit for belief in told]),
        },
        coords={"belief": [belief.key for belief in told], "number": list(names)},
        attrs={"as_of": learnt.as_of.isoformat(), "model": learnt.model},
    )
    return DataTree(found)


def _estimates(history: list[Estimate]) -> "DataTree":
    import numpy as np
    from xarray import Dataset, DataTree

    def column(name: str) -> tuple[str, list[float]]:
        return "as_of", [getattr(estimate, name) for estimate in history]

    levels = len(QUANTILE_LEVELS)
    kept = [e.quantiles or (float("nan"),) * levels for e in history]
    moments = [e.as_of.astimezone(UTC).replace(tzinfo=None) for e in history]
    found: Dataset = Dataset(
        {
            "probability": column("probability"),
            "mcse": column("mcse"),
            "lower": ("as_of", [e.interval.lower for e in history]),
            "upper": ("as_of", [e.interval.upper for e in history]),
            "health": ("as_of", [e.health.value for e in history]),
            "quantile": (("as_of", "level"), kept),
        },
        coords={
            "as_of": np.array(moments, dtype="datetime64[ns]"),
            "level": list(QUANTILE_LEVELS),
        },
    )
    return DataTree(found)
