"""Where results are kept: in the store of the watch, or in a file of the current folder."""

from pathlib import Path

from forecast.compute_table import Compute
from forecast.errors import OutsideError, UsageError
from forecast.publishing import BY_DEFAULT, PublishRule
from forecast.store import Store, open_store
from forecast.store.backtests import StoredBacktest
from forecast.watch import FILE_NAME, Watch, load_watch
from jobs.app import App

FILE = "tocsin-backtests.db"
LAST = "last"


class Home:
    """The watch whose folder was named or that we stand in, or none; and the store of results.

    A context manager that closes the store.
    """

    def __init__(self, folder: Path) -> None:
        is_watch = folder != Path() or (folder / FILE_NAME).is_file()
        self.watch: Watch | None = load_watch(folder) if is_watch else None
        self.store: Store = self._open()

    def _open(self) -> Store:
        if self.watch:
            rule = self.watch.config.incidents.rule()
            return open_store(self.watch.store_url, rule=rule)
        path = Path(FILE).resolve()
        if not path.parent.is_dir():
            raise OutsideError("the current folder is gone", at=str(path.parent))
        return open_store(f"sqlite:///{path}")

    @property
    def compute(self) -> Compute:
        """Where the watch wants blocks to be computed."""
        return self.watch.config.compute if self.watch else Compute()

    @property
    def publish_rule(self) -> PublishRule:
        """What must be beaten."""
        return self.watch.config.publish.rule() if self.watch else BY_DEFAULT

    def app(self) -> App:
        """The watch and the store; only where there is a watch."""
        if self.watch is None:
            raise UsageError(f"there is no {FILE_NAME} here, and no folder of data was named")
        return App(self.watch, self.store)

    def kept(self, run_id: str) -> StoredBacktest:
        """The run of an id, or the newest of all; UsageError where there is none."""
        backtests = self.store.backtests
        if run_id == LAST and (runs := backtests.results()):
            run_id = runs[0].run_id
        return backtests.find(run_id)

    def earlier(self, run_id: str | None, task: str) -> StoredBacktest | None:
        """The run of an id, or the newest of a task; UsageError where there is none of the id."""
        if run_id is None:
            return None
        backtests = self.store.backtests
        return backtests.latest(task) if run_id == LAST else backtests.find(run_id)

    def __enter__(self) -> "Home":
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()
