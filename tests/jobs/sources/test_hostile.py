"""Whatever a server sends: nothing stored is lost, the reason is one line, no key is in it."""

import gzip
import logging
from collections.abc import Mapping
from pathlib import Path

import pytest

from alerts.api import Reply
from forecast.source import SourceHealth
from forecast.store import Store, open_store
from jobs.app import App
from jobs.sources.api import Request
from jobs.sources.pull import pull_due
from jobs.sources.registry import Opened
from jobs.sources.standing import source_standings
from tests.jobs.sources.feed_server import Asked, FeedServer, Said
from tests.jobs.sources.pulling import HOUR, MINUTE, NOW, Hands, app_of, ids, rows, state, table

TRUNCATED = gzip.compress(rows(*range(1, 20)) * 40)[:-20]
BOMB = gzip.compress(b"[" + b" " * 50_000_000 + b"]")
GZIP = {"Content-Encoding": "gzip"}
HOSTILE = {
    "a 500": (Said(status=500), "the source answered (500)"),
    "a 404": (Said(b"<html>", 404), "there is nothing at the URL (404)"),
    "a 403": (Said(status=403), "the source refuses us; is the key right? (403)"),
    "a login": (Said(b"<!DOCTYPE html><p>Sign in"), "the answer is a web page and no JSON"),
    "nothing": (Said(b""), "the answer is empty"),
    "half of it": (Said(rows(1, 2)[:-9]), "the answer is no JSON (line 1)"),
    "another shape": (Said(b'{"error": "SECRET"}'), "is no JSON array"),
    "not UTF-8": (Said(b'["\xff"]'), "the answer is not UTF-8 (byte 2)"),
    "depth": (Said(b"[" * 100_000), "the answer is nested too deeply"),
    "broken gzip": (Said(TRUNCATED, headers=GZIP), "the packed answer of the source broke off"),
    "no gzip": (Said(rows(1), headers=GZIP), "the packed answer of the source is damaged"),
    "a bomb": (Said(BOMB, headers=GZIP), "the answer of the source is longer than 1 MB"),
    "too much": (Said(b" " * 1_000_001), "the answer of the source is longer than 1 MB"),
    "odd packing": (
        Said(b"x", headers={"Content-Encoding": "br"}),
        "the source packed its answer in a way that was not asked for",
    ),
    "too short a length": (
        Said(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n[]"),
        "the source's answer is not HTTP, or it broke off",
    ),
    "no HTTP": (Said(raw=b"SSH-2.0-x\r\n"), "the source's answer is not HTTP, or it broke off"),
    "a loop": (Said(status=302, headers={"Location": "/"}), "redirects more than 3 times"),
    "the metadata": (
        Said(status=302, headers={"Location": "http://169.254.169.254/latest/"}),
        "the address is refused: 169.254.169.254 is never dialled",
    ),
    "a file": (
        Said(status=301, headers={"Location": "file:///etc/passwd"}),
        "redirects to what is no address of the web",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_comes_nothing_stored_is_lost_and_the_next_pull_goes_on(
    name: str, sqlite_url: str, tmp_path: Path, clock: Hands
) -> None:
    said, words = HOSTILE[name]
    with open_store(sqlite_url) as store, FeedServer(Said(rows(1, 2))) as server:
        app = app_of(store, tmp_path, table(server.url(), size_limit=1.0))
        pull_due(app, clock, "me")
        server.answer = said
        clock.now += HOUR
        (pull,) = pull_due(app, clock, "me").pulls
        assert words in pull.failure
        assert "\n" not in pull.failure
        assert "SECRET" not in pull.failure
        assert "127.0.0.1" not in pull.failure, "nothing of the URL"
        assert ids(app) == ["s:1", "s:2"]
        failed = state(app)
        assert (failed.health(None, clock.now), failed.failures) == (SourceHealth.BROKEN, 1)
        assert NOW < failed.due_at <= clock.now + MINUTE, "soon again"
        server.answer = Said(rows(1, 2, 3))
        clock.now = failed.due_at
        (pull,) = pull_due(app, clock, "me").pulls
        assert (pull.brought.new, pull.failure) == (1, "")
        assert (state(app).failures, state(app).reason, state(app).failed_at) == (0, "", None)


def test_redirects_are_followed_and_a_key_stays_with_its_host(
    app: App, server: FeedServer, tmp_path: Path, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "s3cret-key")
    with FeedServer(Said(rows(9))) as other:

        def answer(asked: Asked) -> Said:
            if asked.path == "/end":
                return Said(status=307, headers={"Location": other.url("/elsewhere")})
            return Said(status=301, headers={"Location": "/end"})

        server.answer = answer
        keyed = app_of(
            app.store, tmp_path, table(server.url("/start"), token="env:KEY", headers={})
        )
        (pull,) = pull_due(keyed, clock, "me").pulls
    assert pull.brought.new == 1
    sent = [asked.headers.get("authorization") for asked in server.asked + other.asked]
    assert sent == ["Bearer s3cret-key", "Bearer s3cret-key", None]


def test_no_failure_holds_a_key_however_it_is_given(
    store: Store,
    tmp_path: Path,
    clock: Hands,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("URL", "http://127.0.0.1:9/CANARY-path?k=CANARY-query")
    monkeypatch.setenv("KEY", "CANARY-key\nx")
    monkeypatch.setenv("PLAIN", "CANARY key&=")
    app = app_of(
        store,
        tmp_path,
        table("env:URL", id="closed"),
        table("env:URL", id="private", allow=[]),
        table("http://127.0.0.1:9/", id="header", token="env:KEY"),
        table("http://127.0.0.1:9/", id="query", query={"key": "env:PLAIN"}),
        table("http://127.0.0.1:9/", id="missing", query={"key": "env:NOT_THERE"}),
    )
    done = pull_due(app, clock, "me")
    assert len(done.failures) == 5
    told = " ".join(
        [*done.failures, caplog.text, *(one.says for one in source_standings(app, NOW))]
    )
    assert "CANARY" not in told
    assert "the environment variable NOT_THERE is not set" in told


def test_not_even_a_strangers_error_shows_a_key(
    store: Store, tmp_path: Path, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "CANARY key&=")

    def ask(opened: Opened, request: Request, conditions: Mapping[str, str]) -> Reply:
        raise RuntimeError(f"GET {request.url} with {opened.headers}")

    told = table("http://127.0.0.1:9/", query={"key": "env:KEY"}, headers={"X-Key": "env:KEY"})
    (pull,) = pull_due(app_of(store, tmp_path, told), clock, "me", ask=ask).pulls
    assert pull.failure == (
        "a defect of the kind 'json': RuntimeError: "
        "GET http://127.0.0.1:9/?key=… with {'X-Key': '…'}"
    )
