"""A real Alertmanager in a process of its own, where one is installed."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("alertmanager", "prometheus-alertmanager")  # as released, and as Debian calls it
PROGRAM = next((found for name in NAMES if (found := shutil.which(name))), None)
ABSENT = f"no Alertmanager is installed ({' or '.join(NAMES)})"
PATIENCE = 20.0

_CONFIG = """
route:
  receiver: hook
  group_by: ['...']
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: hook
    webhook_configs:
      - url: '{hook}'
        send_resolved: true
"""


class Alertmanager:
    """Its base `url`, and what stands there; it tells `hook`."""

    def __init__(self, folder: Path, hook: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._folder = folder
        self._starts = 0
        (folder / "alertmanager.yml").write_text(_CONFIG.format(hook=hook))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Started anew, with an empty memory, until the end of the context."""
        self._starts += 1
        command = [
            str(PROGRAM),
            f"--config.file={self._folder / 'alertmanager.yml'}",
            f"--storage.path={self._folder / str(self._starts)}",
            f"--web.listen-address=127.0.0.1:{self._port}",
            "--cluster.listen-address=",
        ]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                until(self._is_ready)
                yield
            finally:
                process.terminate()
                process.wait(PATIENCE)

    def firing(self) -> list[dict[str, Any]]:
        """What stands, as its API lists it."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=PATIENCE) as reply:
            alerts: list[dict[str, Any]] = json.load(reply)
        return alerts

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as reply:
                return bool(reply.status == 200)
        except OSError:  # it does not listen yet, or is slow
            return False


def until(is_so: Callable[[], bool]) -> None:
    """Return once it is so; AssertionError where that takes too long."""
    for _ in range(int(PATIENCE / 0.05)):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about in time")
