"""The web server beside `serve`: it listens at once, dies with its parent, and is started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from forecast.access import Scope, Token, digest_of, new_secret
from forecast.clock import utc_now
from forecast.errors import OutsideError, UsageError
from jobs.app import App, open_app
from jobs.web import WebProcess, web_process
from tests.jobs.desk import PATIENCE, make_desk

INFERENCE = ("pymc", "pytensor", "nutpie", "arviz", "numba", "scipy", "pandas")


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    make_desk(tmp_path)
    with open_app(tmp_path) as app:
        yield app


def get(web: WebProcess, path: str, secret: str = "") -> httpx.Response:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return httpx.get(f"{web.address}{path}", headers=headers, timeout=PATIENCE)


def token(app: App) -> str:
    secret = new_secret()
    one = Token("tok", "ann", Scope.READ, digest_of(secret), "ada", utc_now())
    app.store.access.add_token(one)
    return secret


def loaded(pid: int) -> set[str]:
    """Which packages that infer a process has mapped into its memory."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    return {name for name in INFERENCE if f"/{name}/" in maps}


def test_it_answers_at_once_and_again_after_it_was_killed_and_infers_nothing(app: App) -> None:
    secret = token(app)
    with web_process(app.watch.folder, app.config, port=0) as web:
        assert get(web, "/healthz").status_code == 200  # no waiting: the socket is there
        assert get(web, "/readyz").json()["scheduler_pulse_age"] is None
        web.beat()
        assert get(web, "/readyz").json()["scheduler_pulse_age"] < PATIENCE
        assert get(web, "/api/v1/questions/q-strike/report", secret).json()["question"]
        first = web.pid
        assert first is not None
        if sys.platform == "linux":
            assert loaded(first) == set()
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: web.pid not in (None, first))
        assert get(web, "/healthz").status_code == 200
        file = app.watch.folder / "watch.toml"
        file.write_text(file.read_text().replace("The harbour", "The port"))
        wait_for(lambda: "The port" in get(web, "/api/v1/units", secret).text)
        file.write_text("nonsense")
        assert get(web, "/api/v1/units", secret).status_code == 200
        last = web.pid
    assert last is not None
    with pytest.raises(ProcessLookupError):
        os.kill(last, 0)


def test_an_address_that_cannot_be_had_is_one_line_at_once(app: App) -> None:
    with web_process(app.watch.folder, app.config, port=0) as web:
        taken = int(web.address.rpartition(":")[2])
        with (
            pytest.raises(OutsideError, match="take another with --port"),
            web_process(app.watch.folder, app.config, port=taken),
        ):
            pass
    with (
        pytest.raises(UsageError, match="is no address of this machine"),
        web_process(app.watch.folder, app.config, host="no such host", port=0),
    ):
        pass


PARENT = """
import sys, time
from pathlib import Path
from jobs.app import open_app
from jobs.web import web_process

if __name__ == "__main__":
    with open_app(Path(sys.argv[1])) as app:
        with web_process(app.watch.folder, app.config, port=0) as web:
            print(web.pid, web.address, flush=True)
            time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_it_dies_with_its_parent_however_that_dies(app: App, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, str(script), str(app.watch.folder)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        pid, address = parent.stdout.readline().split()
        assert httpx.get(f"{address}/healthz", timeout=PATIENCE).status_code == 200
        parent.kill()
    wait_for(lambda: not Path(f"/proc/{pid}").exists() or " Z " in status(pid))


def status(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return " Z "
