"""A posterior as a tree of datasets that ArviZ reads: draws of equal weight, one chain.

    posterior      each parameter (chain, draw), and p (chain, draw, question)
    sample_stats   log_prior and log_likelihood (chain, draw) of these draws

Draws of unequal weight are resampled systematically, which adds the least noise; how many
independent ones they are worth stands in the attribute `effective_draws`.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from models.api import Draws

if TYPE_CHECKING:
    from xarray import DataTree

P = "p:"  # before the id of a question, among the names of draws
STATS = ("log_prior", "log_likelihood")


def resampled(draws: Draws, seed: int) -> np.ndarray[Any, Any]:
    """Rows (draw, quantity) of equal weight: systematic resampling, as many as there were.

    Source: Kitagawa (1996), Monte Carlo filter and smoother, J. Comput. Graph. Stat. 5, 1-25.
    """
    count = len(draws.weights)
    points = (np.random.default_rng(seed).random() + np.arange(count)) / count
    rows = np.searchsorted(np.cumsum(draws.weights), points, side="right")
    return draws.values[np.minimum(rows, count - 1)]


def posterior_tree(draws: Draws, seed: int) -> "DataTree":
    """The tree of a posterior; equal draws and seed give equal trees."""
    from xarray import DataArray, Dataset, DataTree

    values = resampled(draws, seed)
    columns = dict(zip(draws.names, values.T, strict=True))
    questions = [name.removeprefix(P) for name in draws.names if name.startswith(P)]

    def chained(names: list[str]) -> dict[str, DataArray]:
        return {
            n.replace("/", "|"): DataArray(columns[n][None], dims=("chain", "draw")) for n in names
        }

    parameters = [name for name in draws.names if not name.startswith(P) and name not in STATS]
    posterior = Dataset(chained(parameters))
    if questions:
        p = np.stack([columns[P + name] for name in questions], axis=-1)[None]
        coordinates = {"question": questions}
        posterior["p"] = DataArray(p, dims=("chain", "draw", "question"), coords=coordinates)
    posterior.attrs["effective_draws"] = float(1.0 / np.sum(draws.weights**2))
    stats = Dataset(chained([name for name in STATS if name in columns]))
    return DataTree.from_dict({"posterior": posterior, "sample_stats": stats})
