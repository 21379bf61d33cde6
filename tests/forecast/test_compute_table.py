"""The table `[compute]`: where blocks are computed."""

import pytest

from forecast.compute_table import Compute
from forecast.errors import ConfigError
from forecast.watch import parse_config

WATCH = '[watch]\ntitle = "Desk"\n'


def test_without_a_table_blocks_are_computed_here() -> None:
    assert parse_config(WATCH).compute == Compute(executor="local", scheduler="")


def test_dask_has_its_scheduler() -> None:
    table = '[compute]\nexecutor = "dask"\nscheduler = "tcp://10.0.0.1:8786"\n'
    assert parse_config(WATCH + table).compute.scheduler == "tcp://10.0.0.1:8786"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('executor = "dask"', "compute: executor 'dask' needs a scheduler"),
        ('scheduler = "tcp://x:1"', "compute: a scheduler goes with executor = 'dask'"),
        ('executor = "cloud"', r"compute\.executor"),
        ('schedular = "tcp://x:1"', r"compute\.schedular: unknown key; did you mean 'scheduler'"),
    ],
)
def test_what_does_not_agree_is_one_line(table: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_config(f"{WATCH}[compute]\n{table}\n")
