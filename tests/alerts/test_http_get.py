"""One GET: redirects that are judged, limits that hold when unpacked, deadlines."""

import gzip
import ssl
import threading
import zlib
from pathlib import Path

import pytest

from alerts.address import parse_networks
from alerts.api import Reply
from alerts.channels.bodies import whole_body
from alerts.channels.http import get
from forecast.errors import ConfigError, OutsideError
from tests.alerts.test_http import assert_secret_nowhere, certificate, raw_server
from tests.jobs.sources.feed_server import Asked, FeedServer, Said

LOOPBACK = parse_networks(["127.0.0.0/8"])
CANARY = "CANARY0123456789"
MOST = 1000


def ask(url: str, most: int = MOST, **more: object) -> Reply:
    return get(url, {"x-key": "k"}, most, LOOPBACK, **more)  # type: ignore[arg-type]


def test_what_was_asked_comes_with_its_headers_and_no_more_is_sent_than_told() -> None:
    with FeedServer(Said(b"words", headers={"ETag": '"a"'})) as server:
        reply = ask(server.url("/x?a=1&b=%20"))
    assert (reply.status, reply.body, reply.headers["etag"]) == (200, b"words", '"a"')
    (asked,) = server.asked
    assert asked.path == "/x?a=1&b=%20"
    assert (asked.headers["accept-encoding"], asked.headers["user-agent"]) == (
        "gzip, deflate",
        "tocsin",
    )


@pytest.mark.parametrize(
    ("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
def test_a_packed_answer_is_unpacked(coding: str, pack: type[bytes]) -> None:
    said = Said(pack(b"words " * 100), headers={"Content-Encoding": coding})
    with FeedServer(said) as server:
        assert ask(server.url()).body == b"words " * 100


def test_the_limit_is_of_what_is_unpacked_and_holds_to_the_byte() -> None:
    assert whole_body([gzip.compress(b"x" * MOST)], "gzip", MOST, "source") == b"x" * MOST
    for packed, coding in ((gzip.compress(b"x" * (MOST + 1)), "gzip"), (b"x" * (MOST + 1), "")):
        with pytest.raises(OutsideError, match=r"longer than 0\.001 MB"):
            whole_body([packed], coding, MOST, "source")


def test_an_answer_in_many_pieces_is_whole() -> None:
    packed = gzip.compress(b"some words")
    pieces = [packed[n : n + 1] for n in range(len(packed))]
    assert whole_body(pieces, "gzip", MOST, "source") == b"some words"


def test_redirects_are_followed_three_times_and_no_more() -> None:
    def answer(asked: Asked) -> Said:
        number = int(asked.path[1:])
        return Said(b"there") if number == 3 else Said(b"", 302, {"Location": f"/{number + 1}"})

    with FeedServer(answer) as server:
        assert ask(server.url("/0")).body == b"there"
        with pytest.raises(OutsideError, match="redirects more than 3 times"):
            ask(server.url("/-1"))


def test_a_redirect_to_an_address_that_is_not_open_is_refused_when_it_is_dialled() -> None:
    for target in ("http://169.254.169.254/", "http://10.0.0.1/", "http://[::1]/"):
        said = Said(b"", 307, {"Location": target + CANARY})
        refused = pytest.raises(ConfigError, match="the address is refused")
        with FeedServer(said) as server, refused as caught:
            ask(server.url("/" + CANARY))
        assert_secret_nowhere(caught.value)


def test_a_redirect_that_drops_the_encryption_is_not_followed(tmp_path: Path) -> None:
    made, key = certificate(tmp_path, "127.0.0.1", "2090")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    moved = b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    refused = pytest.raises(OutsideError, match="from https to http")
    with raw_server(moved, context=context, until=b"\r\n\r\n") as url, refused:
        ask(url, tls=ssl.create_default_context(cafile=made))


def test_a_source_that_never_answers_is_left_at_the_deadline() -> None:
    gate = threading.Event()
    with FeedServer(Said(b"late", until=gate)) as server:
        with pytest.raises(OutsideError, match=r"no full answer within 0\.1 s") as caught:
            ask(server.url("/" + CANARY), deadline=0.1)
        gate.set()
    assert_secret_nowhere(caught.value)


def test_of_an_error_page_only_the_beginning_is_read() -> None:
    with FeedServer(Said(b"x" * 1_000_000, 500)) as server:
        assert len(ask(server.url()).body) <= 16_384
