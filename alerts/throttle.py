"""When a channel may be sent to next: its pace, and the waits that its receiver asks for."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from forecast.clock import Clock

AT_ONCE = timedelta(0)


class Throttle:
    """What one process knows of it, kept from one drain to the next.

    A wait ends with its time, or when the clock is set back to before it began. `sleep` lets
    seconds pass.
    """

    def __init__(self, clock: Clock, sleep: Callable[[float], None] = time.sleep) -> None:
        self._clock, self._sleep = clock, sleep
        self._holds: dict[str, tuple[datetime, timedelta]] = {}

    def hold(self, channel: str, wait: timedelta) -> None:
        """Not before `wait` from now; a wait that ends later stands."""
        if wait > self.left(channel):
            self._holds[channel] = self._clock(), wait

    def left(self, channel: str) -> timedelta:
        """How long the channel is still to be left alone; 0 if it is free."""
        if channel not in self._holds:
            return AT_ONCE
        since, wait = self._holds[channel]
        passed = self._clock() - since
        return max(wait - passed, AT_ONCE) if passed >= AT_ONCE else AT_ONCE

    def held(self, longer_than: timedelta) -> list[str]:
        """The channels that are to be left alone for longer than that."""
        return [channel for channel in self._holds if self.left(channel) > longer_than]

    def sleep(self, wait: timedelta) -> None:
        """Let time pass."""
        if wait > AT_ONCE:
            self._sleep(wait.total_seconds())
