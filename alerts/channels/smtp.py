"""One mail handed to a mail server, under the same guard as a POST.

The name is resolved once and the address judged; TLS is proven against the name; the deadline
is for everything, and what the server says is read up to a limit.

    https://www.rfc-editor.org/rfc/rfc5321  SMTP
    https://www.rfc-editor.org/rfc/rfc3207  STARTTLS
    https://www.rfc-editor.org/rfc/rfc8314  which ports, and TLS from the start (smtps)
"""

import logging
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from io import BufferedReader
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from alerts.address import (
    MAIL,
    Network,
    Resolver,
    choose_address,
    is_allowed,
    resolve_within,
    system_resolver,
)
from alerts.api import Reply
from alerts.channels.http import DEADLINE_SECONDS, MOST_BYTES, trusted
from forecast.errors import ConfigError, OutsideError, TocsinError

SENDER = "x-envelope-from"
RECIPIENTS = "x-envelope-to"
TLS = "x-tls"
NO_TLS = "none"
REFUSED = "x-refused"

GOODBYE_SECONDS = 0.5
_FORM = "it is like smtp://user:password@host:587, and / ? # in a password %2F %3F %23"
_PORTS = {"smtp": 587, "smtps": 465}
_log = logging.getLogger(__name__)


def send(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    allow: Sequence[Network] = (),
    deadline: float = DEADLINE_SECONDS,
    resolve: Resolver = system_resolver,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """Hand over `body`, a message in lines that end in CRLF; the status is the server's code.

    `headers` say to whom: SENDER, RECIPIENTS (between commas) and, for a server in `allow`
    without TLS, TLS = "none". Raises ConfigError where the server may not be dialled, and
    OutsideError where it is not reached or does not let us in; neither, nor the chain behind
    it, holds the URL.
    """
    end = time.monotonic() + deadline
    failure: TocsinError
    try:
        if SENDER not in headers or RECIPIENTS not in headers:
            raise ConfigError("this is no mail; a channel of kind mail sends to smtp://")
        server = _server(url, headers.get(TLS) != NO_TLS)
        address = _address(server, allow, end, resolve)
        with _connected(server, address, end) as client:
            _enter(client, server, tls or trusted())
            return _hand_over(client, body, headers)
    except TocsinError as error:
        failure = type(error)(error.message)
    except (OSError, ValueError) as error:  # every SMTPException is an OSError
        late = time.monotonic() >= end
        failure = OutsideError(f"no full answer within {deadline:g} s" if late else _reason(error))
    # Raised here and not above, so that no exception with the URL hangs on this one.
    raise failure


@dataclass(frozen=True, slots=True)
class _Server:
    """Where to dial and how to log in. `is_secure` is false where TLS is done without."""

    host: str
    port: int
    user: str = field(repr=False)
    password: str = field(repr=False)
    is_implicit: bool
    is_secure: bool


class _Client(smtplib.SMTP):
    """smtplib on a connection that we made, which reads at most MOST_BYTES of each reply."""

    def __init__(self, connection: socket.socket) -> None:
        ours = connection.getsockname()[0]
        super().__init__(local_hostname=f"[IPv6:{ours}]" if ":" in ours else f"[{ours}]")
        self._use(connection)

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Go on under TLS; what was said in clear and not yet read counts for nothing."""
        assert self.sock is not None
        self._use(context.wrap_socket(self.sock, server_hostname=host))

    def _use(self, connection: socket.socket) -> None:
        self.sock = connection
        self.file = _Bounded(connection.makefile("rb"))

    def getreply(self) -> tuple[int, bytes]:
        if self.file is not None:
            self.file.left = MOST_BYTES
        return super().getreply()


class _Bounded:
    """The lines of a server, up to a limit: it may send lines without end."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self.left = MOST_BYTES

    def readline(self, size: int) -> bytes:
        line = self._file.readline(min(size, self.left))
        self.left -= len(line)
        return line

    def close(self) -> None:
        self._file.close()


def _server(url: str, is_secure: bool) -> _Server:
    """ConfigError says what is wrong with the URL, without showing it."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port or _PORTS.get(parts.scheme, 0)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
    except ValueError:
        raise ConfigError(f"the URL cannot be read; {_FORM}") from None
    if parts.scheme not in _PORTS:
        raise ConfigError("the URL does not begin with smtp:// or smtps://")
    if not host or not url.isprintable() or " " in url:
        raise ConfigError("the URL names no host, or holds a space or a control character")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ConfigError(f"the URL goes on after the host; {_FORM}")
    if not (user + password).isascii():
        raise ConfigError("the user name or the password is not ASCII, which SMTP cannot say")
    if bool(user) != bool(password):
        raise ConfigError("the URL holds a user without a password, or the reverse")
    is_implicit = parts.scheme == "smtps"
    return _Server(host, port, user, password, is_implicit, is_implicit or is_secure)


def _address(server: _Server, allow: Sequence[Network], end: float, resolve: Resolver) -> str:
    in_time = partial(resolve_within, max(end - time.monotonic(), 0.001), resolve)
    try:
        address = choose_address(server.host, server.port, allow, in_time, MAIL)
    except TimeoutError:
        raise
    except OSError:
        raise OutsideError("the mail server's name does not resolve") from None
    if not server.is_secure and not is_allowed(ip_address(address), allow):
        raise ConfigError("mail goes without TLS only to a server in a network of `allow`")
    return address


@contextmanager
def _connected(server: _Server, address: str, end: float) -> Iterator[_Client]:
    """A connection that breaks off at `end`, whatever it is waiting for just then.

    A server that says a byte a second is in time with each; only the whole is not.
    """
    left = max(end - time.monotonic(), 0.001)
    place = (address, server.port)
    # the second handle is of the same connection: TLS takes the first one over
    with socket.create_connection(place, timeout=left) as connection, connection.dup() as handle:

        def cut() -> None:
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(end - time.monotonic(), cut)
        timer.daemon = True
        timer.start()
        try:
            with closing(_Client(connection)) as client:
                yield client
        finally:
            timer.cancel()


def _enter(client: _Client, server: _Server, context: ssl.SSLContext) -> None:
    """TLS, greeting and log-in. What fails here is no fault of the message: OutsideError."""
    if server.is_implicit:
        client.secure(context, server.host)
    _expect(client.getreply(), 220, "the connection")
    _expect(client.ehlo(), 250, "the greeting")
    if server.is_secure and not server.is_implicit:
        if not client.has_extn("starttls"):
            raise OutsideError("the mail server offers no TLS (STARTTLS)")
        _expect(client.docmd("STARTTLS"), 220, "TLS")
        client.secure(context, server.host)
        _expect(client.ehlo(), 250, "the greeting")
    if server.user:
        _log_in(client, server)


def _log_in(client: _Client, server: _Server) -> None:
    try:
        client.login(server.user, server.password)
    except smtplib.SMTPAuthenticationError as error:
        words = f"the mail server refuses the user name or password ({error.smtp_code})"
        raise OutsideError(words) from None
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPException:
        raise OutsideError("the mail server offers no way to log in that we know") from None


def _hand_over(client: _Client, body: bytes, headers: Mapping[str, str]) -> Reply:
    """To all recipients in one message; those who are refused do not keep it from the others."""
    if not f"{headers[SENDER]}{headers[RECIPIENTS]}".isprintable():
        raise ConfigError("an address of this mail holds a line break or a control character")
    _expect(client.mail(headers[SENDER]), 250, "the sender")
    recipients = headers[RECIPIENTS].split(",")
    refused: dict[str, tuple[int, bytes]] = {}
    for recipient in recipients:
        code, said = client.rcpt(recipient)
        if code not in (250, 251):
            refused[recipient] = (code, said)
    if len(refused) < len(recipients):
        status, said = _data(client, body)
    else:
        status, said = 250, b""
    _leave(client)
    return _reply(status, said, refused, len(recipients))


def _leave(client: _Client) -> None:
    """Say goodbye, and hardly wait for the answer: the message is taken or it is not."""
    with suppress(OSError):
        if client.sock is not None:
            client.sock.settimeout(GOODBYE_SECONDS)
        client.quit()


def _data(client: _Client, body: bytes) -> tuple[int, bytes]:
    try:
        return client.data(body)
    except smtplib.SMTPDataError as error:
        said = error.smtp_error
        return error.smtp_code, said if isinstance(said, bytes) else said.encode()


def _reply(status: int, said: bytes, refused: Mapping[str, tuple[int, bytes]], count: int) -> Reply:
    """What became of the message as a whole.

    A recipient who is refused for now (4xx) has to be tried again, and the message with him;
    one who is refused for good counts only where all are.
    """
    headers = {REFUSED: f"{len(refused)} of {count}"} if refused else {}
    if status == 250 and refused:
        _log.warning(
            "mail: %d of %d recipients refused: %s",
            len(refused),
            count,
            ", ".join(f"{who} ({code})" for who, (code, _) in refused.items()),
        )
        code, why = min(refused.values())
        if code < 500 or len(refused) == count:
            status, said = code, why
    return Reply(status, headers, said)


def _expect(reply: tuple[int, bytes], code: int, what: str) -> None:
    got = reply[0]
    if got == -1:
        raise OutsideError("the server's answer is not SMTP")
    if got != code:
        raise OutsideError(f"the mail server refuses {what} ({got})")


def _reason(error: OSError | ValueError) -> str:
    """What went wrong, in words that hold nothing of the URL, and nothing that the server said."""
    if isinstance(error, ssl.SSLCertVerificationError):
        words = error.verify_message.split(",")[0]
        return f"the mail server's certificate is refused: {words}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with the mail server: {error.reason or 'the handshake failed'}"
    if isinstance(error, smtplib.SMTPException | ValueError):
        return "the mail server's answer is not SMTP, or it broke off"
    return f"no connection to the mail server: {error.strerror or 'it broke off'}"
