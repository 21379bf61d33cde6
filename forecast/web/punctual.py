"""Connections that nobody can hold for long: a request is whole in time, and its answer is taken,
or it is hung up on.
"""

import asyncio
import socket
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

BODY_WAITS = 4  # a body, on its way in or out, may take so many times as long as a head


class PunctualProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, to clients that must be done with a request in time.

    Whoever sends half a request and waits would hold one of the places for ever, and a hundred
    of them all. A head has as long as an idle connection is kept, a body four times that, however
    many bytes come meanwhile. Whoever asks and reads no answer has as long as for a body.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._owed: object = None  # what of a request is waited for
        self._alarm: asyncio.TimerHandle | None = None
        self._untaken: asyncio.TimerHandle | None = None  # while an answer waits to be read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _send_at_once(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._be_patient()
        self._was_taken()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._abort_later()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._was_taken()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._hang_up()

    def _wait(self) -> None:
        """Set the alarm anew where something else is waited for than before."""
        owed = self.conn.their_state
        if owed is self._owed:
            return
        self._be_patient()
        self._owed = owed
        if owed is h11.IDLE:
            self._alarm = self.loop.call_later(self.timeout_keep_alive, self._hang_up)
        elif owed is h11.SEND_BODY:
            self._alarm = self.loop.call_later(self._longest, self.transport.abort)

    @property
    def _longest(self) -> int:
        """Seconds that a body may take."""
        return BODY_WAITS * self.timeout_keep_alive

    def _hang_up(self) -> None:
        """Close it; what waits to be read would hold it open for ever, and is dropped then."""
        self.transport.close()
        self._abort_later()

    def _abort_later(self) -> None:
        self._was_taken()
        self._untaken = self.loop.call_later(self._longest, self.transport.abort)

    def _was_taken(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None

    def _be_patient(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


def _send_at_once(transport: asyncio.Transport) -> None:
    """Send a body without waiting until its head is acknowledged, which takes 40 ms.

    asyncio does so by itself, but not on a socket whose protocol was not named when it was made:
    https://github.com/python/cpython/blob/3.13/Lib/asyncio/base_events.py (_set_nodelay).
    """
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
