"""`tocsin serve` as a process, and what it and its children take of the memory."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOCSIN = Path(sys.executable).with_name("tocsin")
LEASE = 60  # seconds: what a kill leaves is taken over then
STOP_SECONDS = 60.0  # a batch of updates, and what is being sent


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident megabytes of the service's own process, and of all its children together."""

    own: float
    children: float


class Service:
    """One run of `tocsin serve` on a watch folder; its log goes to a file."""

    def __init__(self, folder: Path, name: str) -> None:
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [TOCSIN, "serve", "--lease", str(LEASE), "--watch", folder],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def memory(self) -> Memory:
        """What it takes now; nothing where it is not running."""
        own, *children = [_resident(pid) for pid in _family(self.process.pid)] or [0.0]
        return Memory(own, sum(children))

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int | None:
        """SIGTERM, and the exit code; None where it had to be killed in the end."""
        self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def errors(self) -> list[str]:
        """The lines of its log that speak of errors."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return [line for line in lines if " error " in f" {line.lower()} " or "Traceback" in line]


def _family(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = path.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _family(int(child))


def _resident(pid: int) -> float:
    """Megabytes, each shared page counted for every process that has it."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = next((line for line in lines if line.startswith("VmRSS:")), "VmRSS: 0 kB")
    return float(found.split()[1]) / 1000
