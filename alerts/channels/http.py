"""One POST or GET, and nothing that its URL's author could abuse. The only module that connects.

httpx over a transport of our own, which puts the guard where the connection is made:
httpcore's network backend is a public argument of its pool, and httpx's transport one of its
client. No proxy is read from the environment. A POST follows no redirect; a GET a few, each
through the same guard.

    https://www.python-httpx.org/advanced/transports/
    https://www.encode.io/httpcore/network-backends/
"""

import logging
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any
from urllib.parse import urljoin, urlsplit

import certifi
import httpcore
import httpx

from alerts.address import (
    Network,
    Resolver,
    choose_address,
    resolve_within,
    system_resolver,
)
from alerts.api import Reply
from alerts.channels.bodies import whole_body
from forecast.errors import ConfigError, OutsideError, TocsinError

DEADLINE_SECONDS = 20.0
MOST_BYTES = 16_384
MOST_REDIRECTS = 3
_MOVED = (301, 302, 303, 307, 308)

# httpx logs every URL at INFO, and a chat webhook's URL is its credential.
logging.getLogger("httpx").setLevel(logging.WARNING)


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    allow: Sequence[Network] = (),
    deadline: float = DEADLINE_SECONDS,
    resolve: Resolver = system_resolver,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """POST `body` and return the reply, of which at most 16 kB are read.

    `deadline` is in seconds and for everything: name, connection, TLS, and the reply's last
    byte. Raises ConfigError for an address that may not be dialled, and OutsideError where
    there is no answer. No error, nor the chain behind it, holds the URL.
    """
    network = _GuardedNetwork(allow, resolve, time.monotonic() + deadline)

    def exchange() -> Reply:
        # An unpacked reply could be a bomb; we read so little that packing saves nothing.
        packed = {"accept-encoding": "identity"}
        with (
            _client(network, tls) as client,
            client.stream("POST", url, content=body, headers=_sent(packed, headers)) as response,
        ):
            return Reply(response.status_code, _lower(response), _first_bytes(response.iter_raw()))

    return _without_url(exchange, url, deadline, "receiver")


def get(
    url: str,
    headers: Mapping[str, str],
    most_bytes: int,
    allow: Sequence[Network] = (),
    deadline: float = DEADLINE_SECONDS,
    resolve: Resolver = system_resolver,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """GET a URL and return the reply, unpacked, of which at most `most_bytes` are taken.

    At most three redirects are followed, each judged as the first address was, and none from
    https to http. `headers` go to the host of the URL only: they may hold a key. The body of
    a reply other than 200 is not read beyond 16 kB. Raises as `post` does, and OutsideError
    where the reply is longer, damaged, or redirected on and on.
    """
    network = _GuardedNetwork(allow, resolve, time.monotonic() + deadline)

    def exchange() -> Reply:
        at, sent = url, headers
        with _client(network, tls) as client:
            for _ in range(MOST_REDIRECTS + 1):
                reply = _got(client, at, sent, most_bytes)
                target = reply.headers.get("location")
                if reply.status not in _MOVED or not target:
                    return reply
                moved = _moved(at, target)
                sent = sent if _origin(moved) == _origin(at) else {}
                at = moved
        raise OutsideError(f"the source redirects more than {MOST_REDIRECTS} times")

    return _without_url(exchange, url, deadline, "source")


def _without_url(exchange: Callable[[], Reply], url: str, deadline: float, peer: str) -> Reply:
    """What an exchange returns; its errors, and the chain behind them, hold nothing of the URL."""
    failure: TocsinError
    try:
        _check(url)
        return exchange()
    except TocsinError as error:
        failure = type(error)(error.message)
    except httpx.InvalidURL:
        failure = ConfigError("the URL cannot be read")
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        failure = OutsideError(_reason(error, deadline, peer))
    # Raised here and not above, so that no exception with the URL hangs on this one.
    raise failure


def _got(client: httpx.Client, url: str, headers: Mapping[str, str], most: int) -> Reply:
    sent = _sent({"accept-encoding": "gzip, deflate"}, headers)
    with client.stream("GET", url, headers=sent) as response:
        chunks, found = response.iter_raw(), _lower(response)
        if response.status_code != 200:
            return Reply(response.status_code, found, _first_bytes(chunks))
        coding = found.get("content-encoding", "")
        return Reply(200, found, whole_body(chunks, coding, most, "source"))


def _moved(at: str, target: str) -> str:
    """Where a redirect leads; ConfigError where it may not be followed."""
    try:
        moved = urljoin(at, target)
        _check(moved)
    except (ValueError, ConfigError):
        raise OutsideError("the source redirects to what is no address of the web") from None
    if urlsplit(at).scheme == "https" and urlsplit(moved).scheme == "http":
        raise OutsideError("the source redirects from https to http, which is not followed")
    return moved


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


class _GuardedNetwork(httpcore.NetworkBackend):
    """Dials only addresses that are allowed, and ends everything at the deadline."""

    def __init__(self, allow: Sequence[Network], resolve: Resolver, deadline: float) -> None:
        self._allow = allow
        self._resolve = resolve
        self._deadline = deadline
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        address = self._address(host, port)
        stream = self._network.connect_tcp(
            address, port, _left(self._deadline), local_address, socket_options
        )
        return _TimedStream(stream, self._deadline)

    def _address(self, host: str, port: int) -> str:
        """The one to dial; OutsideError where the name has none."""
        resolve = partial(resolve_within, _left(self._deadline), self._resolve)
        try:
            return choose_address(host, port, self._allow, resolve)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        except OSError:
            raise OutsideError("the name does not resolve") from None


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every read and write gets only what is left of the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline)
        return _TimedStream(
            self._stream.start_tls(ssl_context, server_hostname, left), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _GuardedTransport(httpx.BaseTransport):
    """Carries httpx's requests over a pool that connects through the guard."""

    def __init__(self, network: _GuardedNetwork, tls: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(ssl_context=tls, network_backend=network)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        reply = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
            )
        )
        return httpx.Response(reply.status, headers=reply.headers, stream=_Body(reply))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """A reply's body as it comes in."""

    def __init__(self, reply: httpcore.Response) -> None:
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._reply.iter_stream())

    def close(self) -> None:
        self._reply.close()


def _client(network: _GuardedNetwork, tls: ssl.SSLContext | None) -> httpx.Client:
    transport = _GuardedTransport(network, tls or trusted())
    return httpx.Client(transport=transport, trust_env=False, follow_redirects=False)


def _sent(ours: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, str]:
    return {**ours, "user-agent": "tocsin", **headers}


def _lower(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _first_bytes(chunks: Iterable[bytes]) -> bytes:
    read = b""
    for chunk in chunks:
        read += chunk
        if len(read) >= MOST_BYTES:
            break
    return read[:MOST_BYTES]


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left


def _check(url: str) -> None:
    """ConfigError says what is wrong with the URL, without showing it."""
    trouble = None
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port, host.encode("idna"), f"{parts.path}{parts.query}".encode("ascii")
    except ValueError:
        trouble = "the URL cannot be read"
    else:
        if parts.scheme not in ("http", "https"):
            trouble = "the URL does not begin with https:// or http://"
        elif not host:
            trouble = "the URL names no host"
        elif parts.username is not None or parts.password is not None:
            trouble = "the URL holds a user name or password, which is not sent"
        elif not url.isprintable() or " " in url:
            trouble = "the URL holds a space or a control character"
    if trouble:
        raise ConfigError(trouble)


@cache
def trusted() -> ssl.SSLContext:
    """The machine's certificates and Mozilla's; a desk adds its own with SSL_CERT_FILE."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _reason(error: Exception, deadline: float, peer: str) -> str:
    """What went wrong, in words that hold nothing of the URL, not even the host."""
    # httpcore's pool raises `from None`, which leaves the cause in the context only.
    cause = error.__cause__ or error.__context__
    if isinstance(error, httpcore.TimeoutException):
        return f"no full answer within {deadline:g} s"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the {peer}'s certificate is refused: {cause.verify_message.split(',')[0]}"
    if isinstance(cause, ssl.SSLError):
        return f"no TLS with the {peer}: {cause.reason or 'the handshake failed'}"
    if isinstance(cause, OSError) and cause.strerror:
        return f"no connection to the {peer}: {cause.strerror}"
    if isinstance(error, httpcore.ProtocolError):
        return f"the {peer}'s answer is not HTTP, or it broke off"
    return "the connection broke off"
