"""Mail servers on loopback: a real one, and one that does what it is told to."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

NAME = "mail.example"
USER, PASSWORD = "desk", "CANARY p@ss/word?#"


@dataclass
class Desk:
    """What arrives, and the answers that are scripted: to a recipient, and to the message."""

    to: Mapping[str, str] = field(default_factory=dict)
    sender: str = ""
    data: str = ""
    envelopes: list[Envelope] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)

    @property
    def mails(self) -> list[EmailMessage]:
        """The messages, read by the standard library."""
        return [read_mail(e.content) for e in self.envelopes if isinstance(e.content, bytes)]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.sender or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.to.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.envelopes.append(envelope)
        self.sessions.append(session)
        return self.data or "250 2.0.0 taken"


def read_mail(body: bytes) -> EmailMessage:
    """The message as the standard library understands it."""
    mail = message_from_bytes(body, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def check_log_in(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    """Lets USER in."""
    known = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=isinstance(data, LoginPassword) and data == known, handled=False)


@contextmanager
def serving(desk: Desk, *, implicit: ssl.SSLContext | None = None, **more: Any) -> Iterator[int]:
    """A real SMTP server for `desk`; its port. `more` are options of aiosmtpd's SMTP."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        loop.create_server(
            lambda: SMTP(desk, hostname=NAME, loop=loop, **more), "127.0.0.1", 0, ssl=implicit
        )
    )
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_end_all(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end_all() -> None:
    """Let connections that are still open come to their end."""
    await asyncio.sleep(0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@dataclass(frozen=True)
class Authority:
    """An authority of our own: what a server shows and what a client trusts."""

    ca: trustme.CA = field(default_factory=trustme.CA)

    def server(self, *names: str, **more: Any) -> ssl.SSLContext:
        """For a server of these names; `more` as for `trustme.CA.issue_cert`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names, **more).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        """For a client that trusts this authority."""
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        return context


@contextmanager
def saying(*pieces: bytes, pause: float = 0.0, endless: bytes = b"") -> Iterator[int]:
    """A server that sends one piece, waits for a line, sends the next; its port.

    With `pause` each piece goes byte by byte. After the last one it sends `endless` for ever,
    or falls silent.
    """
    closing = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            with connection:
                for piece in pieces:
                    for part in (bytes([b]) for b in piece) if pause else (piece,):
                        connection.sendall(part)
                        if closing.wait(pause):
                            return
                    connection.recv(65_536)
                while endless and not closing.is_set():
                    connection.sendall(endless)
                closing.wait()
        except OSError:
            pass  # the client has gone, which is what these tests are about

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        closing.set()
        listener.close()
        thread.join()
