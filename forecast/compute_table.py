"""The table `[compute]` of watch.toml."""

from typing import Literal, Self

from pydantic import model_validator

from forecast.alert_tables import Table


class Compute(Table):
    """Where the blocks of a backtest are computed: processes here, or the workers of Dask."""

    executor: Literal["local", "dask"] = "local"
    scheduler: str = ""

    @model_validator(mode="after")
    def _has_its_scheduler(self) -> Self:
        if self.executor == "dask" and not self.scheduler:
            raise ValueError("executor 'dask' needs a scheduler such as 'tcp://10.0.0.1:8786'")
        if self.scheduler and self.executor != "dask":
            raise ValueError("a scheduler goes with executor = 'dask'")
        return self
