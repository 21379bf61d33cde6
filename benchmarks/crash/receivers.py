"""Receivers on loopback that take, fail, hang and ask for patience, and remember what they took."""

import random
import threading
from collections import Counter

from alerts.signing import parse_secrets, verify
from alerts.testing import Answer, Received, Receiver, Service
from benchmarks.crash.world import CHANNELS, SECRET, FastClock
from forecast.errors import InputError


class Town:
    """One server with a path for each channel.

    `taken` counts the messages that each accepted, by id; `changed` are ids that came again with
    another body, `forged` those whose signature does not hold. Once it `is_kind`, every message
    is taken.
    """

    def __init__(self, clock: FastClock, seed: int) -> None:
        self.is_kind = False
        self.taken: dict[str, Counter[str]] = {name: Counter() for name in CHANNELS}
        self.bodies: dict[str, bytes] = {}
        self.changed: list[str] = []
        self.forged: list[str] = []
        self._secrets, self._clock = parse_secrets(SECRET, "secret"), clock
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        services = {f"/{name}": self._service(name) for name in CHANNELS}
        self.receiver = Receiver(SECRET, services=services, clock=clock)

    def urls(self) -> dict[str, str]:
        """Where each channel sends."""
        return {name: self.receiver.url(f"/{name}") for name in CHANNELS}

    def _service(self, name: str) -> Service:
        def answer(received: Received) -> Answer:
            with self._lock:
                mood = 1.0 if self.is_kind else self._chance.random()
                if name == "flaky" and mood < 0.4:
                    return Answer(500)
                if name == "busy" and mood < 0.3:
                    return Answer(429, headers={"retry-after": "1"})
                if name == "hanging" and mood < 0.1:
                    return Answer(hang=True)
                self._take(name, received)
                if name == "flaky" and mood < 0.5:  # taken, but the sender does not hear of it
                    return Answer(502)
            return Answer(204, body=b"")

        return answer

    def _take(self, name: str, received: Received) -> None:
        delivery_id = received.headers["webhook-id"]
        try:
            verify(self._secrets, received.headers, received.body, self._clock())
        except InputError as error:
            self.forged.append(f"{delivery_id}: {error}")
        self.taken[name][delivery_id] += 1
        before = self.bodies.setdefault(f"{name} {delivery_id}", received.body)
        if before != received.body:
            self.changed.append(delivery_id)
