"""The feed: one entry for each delivery, never half a file, never a line lost."""

import fcntl
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import feedparser  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import registry
from alerts.api import Endpoint, Reply, Verdict
from alerts.channels import transports
from alerts.channels.atom import MOST_ENTRIES, Atom
from alerts.outbox import drain
from alerts.testing import check_channel, sample_facts
from forecast.alert_tables import ChannelTable
from forecast.errors import ConfigError, OutsideError
from forecast.store import Store
from tests.alerts.outbox_samples import Time, put

NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
SAMPLES = sample_facts()


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    return tmp_path / "alerts.atom"


def tell(path: Path, facts: dict[str, Any], delivery_id: str) -> Reply:
    channel = Atom(Endpoint("desk", folder=path.parent, options={"path": path.name}))
    request = channel.request(facts, delivery_id, NOW)
    reply = transports.post(request.url, request.body, request.headers)
    assert channel.judge(reply, NOW).verdict is Verdict.DELIVERED
    return reply


def read(path: Path) -> Any:
    """The feed as an independent reader understands it."""
    parsed = feedparser.parse(path.read_bytes())
    assert not parsed.bozo, parsed.get("bozo_exception")
    assert parsed.version == "atom10"
    return parsed


def test_it_passes_the_conformance_checks(tmp_path: Path) -> None:
    check_channel(Atom(Endpoint("desk", folder=tmp_path)))


def test_a_reader_finds_everything_that_an_entry_says(feed: Path) -> None:
    tell(feed, SAMPLES["firing"], "msg_1")
    parsed = read(feed)
    assert parsed.feed.title == "Tocsin alerts: desk"
    assert parsed.feed.author == "Tocsin"
    (entry,) = parsed.entries
    assert entry.id == "urn:tocsin:msg_1"
    assert entry.title.startswith("FIRING · Any US strike on Venezuelan territory")
    assert "43 % (30–56 %) as of 17 Nov 09:59 UTC, unlikely" in entry.content[0].value
    assert entry.link == SAMPLES["firing"]["link"]
    assert entry.updated == SAMPLES["firing"]["at"] == parsed.feed.updated
    assert {tag.term for tag in entry.tags} == {"firing", "warning"}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_message_makes_a_well_formed_feed(name: str, feed: Path) -> None:
    tell(feed, SAMPLES[name], f"msg_{name}")
    assert len(read(feed).entries) == 1


def test_what_is_sent_twice_is_there_once(feed: Path) -> None:
    for delivery_id in ("msg_1", "msg_2", "msg_1"):
        tell(feed, SAMPLES["firing"], delivery_id)
    assert [e.id for e in read(feed).entries] == ["urn:tocsin:msg_2", "urn:tocsin:msg_1"]


def test_the_newest_is_first_and_the_oldest_leave(feed: Path) -> None:
    tell(feed, SAMPLES["test"], "msg_old")
    text = feed.read_text()
    start, end = text.index("<entry>"), text.index("</feed>")
    full = [text[start:end].replace("msg_old", f"msg_{n}") for n in range(MOST_ENTRIES)]
    feed.write_text(text[:start] + "".join(full) + text[end:])
    tell(feed, SAMPLES["test"], "msg_new")
    ids = [entry.id for entry in read(feed).entries]
    assert len(ids) == MOST_ENTRIES
    assert (ids[0], ids[1], ids[-1]) == tuple(f"urn:tocsin:msg_{n}" for n in ("new", 0, 198))


def test_the_feed_keeps_its_id_and_its_newest_date(feed: Path) -> None:
    tell(feed, SAMPLES["firing"], "msg_1")
    first = read(feed).feed
    elsewhere = feed.rename(feed.with_name("moved.atom"))
    tell(elsewhere, SAMPLES["test"], "msg_2")
    tell(feed, SAMPLES["test"], "msg_3")
    assert read(elsewhere).feed.id == first.id
    assert read(elsewhere).feed.updated == max(SAMPLES["firing"]["at"], SAMPLES["test"]["at"])


@settings(max_examples=60, deadline=None)
@given(words=st.text(), delivery_id=st.text(min_size=1, max_size=30))
def test_whatever_the_words_the_feed_is_xml(
    words: str, delivery_id: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    feed = tmp_path_factory.mktemp("feed") / "alerts.atom"
    facts = SAMPLES["firing"] | {"detail": words, "reason": "rule_changed", "link": words}
    facts["subject"] = facts["subject"] | {"title": words}
    facts["question"] = facts["question"] | {"title": words}
    tell(feed, facts, delivery_id)
    tell(feed, facts, delivery_id)
    assert len(read(feed).entries) == 1


def test_matrix_21_words_from_outside_are_text(feed: Path) -> None:
    title = "</title><script>alert(1)</script>&\x00\ud800"
    facts = SAMPLES["firing"] | {"question": SAMPLES["firing"]["question"] | {"title": title}}
    facts["subject"] = facts["subject"] | {"title": title}
    tell(feed, facts | {"link": "javascript:alert(1)"}, "msg_1")
    (entry,) = read(feed).entries
    assert b"<script>" not in feed.read_bytes()
    assert entry.title_detail.type == "text/plain"
    assert b"href" not in feed.read_bytes()


def test_a_crash_while_writing_leaves_the_feed_as_it_was(feed: Path) -> None:
    """What a killed process left beside the feed is written over."""
    tell(feed, SAMPLES["firing"], "msg_1")
    feed.with_name(f".{feed.name}.new").write_text("<feed half of")
    assert len(read(feed).entries) == 1
    tell(feed, SAMPLES["firing"], "msg_2")
    assert len(read(feed).entries) == 2
    assert sorted(path.name for path in feed.parent.iterdir()) == [
        f".{feed.name}.lock",
        feed.name,
    ]


WRITER = """
import sys
from pathlib import Path
from alerts.api import Endpoint
from alerts.channels import transports
from alerts.channels.atom import Atom
from alerts.facts import test_facts
from forecast.clock import utc_now
channel = Atom(Endpoint("desk", folder=Path(sys.argv[1]).parent))
for number in range(12):
    request = channel.request(test_facts("desk", utc_now()), f"{sys.argv[2]}_{number}", utc_now())
    transports.post(request.url, request.body, request.headers)
"""


def test_processes_and_threads_that_write_at_once_lose_nothing(feed: Path) -> None:
    root = Path(__file__).parents[2]
    others = [
        subprocess.Popen([sys.executable, "-c", WRITER, feed, name], cwd=root) for name in "ab"
    ]
    threads = [
        threading.Thread(
            target=lambda name=name: [tell(feed, SAMPLES["test"], f"{name}_{n}") for n in range(12)]
        )
        for name in "cd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait(60) for other in others] == [0, 0]
    ids = {entry.id for entry in read(feed).entries}
    assert ids == {f"urn:tocsin:{name}_{n}" for name in "abcd" for n in range(12)}


def test_a_feed_that_another_process_holds_is_a_failure_at_the_deadline(feed: Path) -> None:
    request = Atom(Endpoint("desk", folder=feed.parent)).request(SAMPLES["test"], "msg_1", NOW)
    with feed.with_name(f".{feed.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OutsideError, match="another process"):
            transports.post(request.url, request.body, request.headers, (), 0.1)
    transports.post(request.url, request.body, request.headers, (), 0.1)
    assert len(read(feed).entries) == 1


def test_what_is_no_feed_is_left_alone(feed: Path) -> None:
    for content in (b"export PATH=/bin", b"<html/>", b"<feed/>"):
        feed.write_bytes(content)
        with pytest.raises(ConfigError, match="move it away"):
            tell(feed, SAMPLES["test"], "msg_1")
        assert feed.read_bytes() == content
    feed.unlink()
    feed.mkdir()
    with pytest.raises(ConfigError, match="is not a file"):
        tell(feed, SAMPLES["test"], "msg_1")


def test_a_url_of_another_kind_writes_no_file(feed: Path) -> None:
    """A webhook's URL is typed by a user, and must not become a way to write files."""
    with pytest.raises(ConfigError, match="only a channel of kind atom"):
        transports.post(f"atom:{feed}", b'{"kind": "firing"}', {})
    assert not feed.exists()


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    feed = tmp_path / "public" / "alerts.atom"
    tell(feed, SAMPLES["test"], "msg_1")
    assert feed.is_file()


def test_a_feed_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "public").write_text("no folder")
    feed = tmp_path / "public" / "alerts.atom"
    with pytest.raises(OutsideError, match=f"the feed {feed} cannot be written: "):
        tell(feed, SAMPLES["test"], "msg_1")


def test_permissions_and_links_of_the_file_are_kept(tmp_path: Path) -> None:
    target, link = tmp_path / "served.atom", tmp_path / "alerts.atom"
    tell(target, SAMPLES["test"], "msg_1")
    target.chmod(0o640)
    link.symlink_to(target)
    tell(link, SAMPLES["test"], "msg_2")
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert len(read(target).entries) == 2


def test_an_unknown_option_names_its_place() -> None:
    with pytest.raises(ConfigError, match="no option 'file'") as caught:
        Atom(Endpoint("desk", options={"file": "x"})).request(SAMPLES["test"], "msg_1", NOW)
    assert caught.value.at == "channels.desk.options"


def test_an_alert_goes_through_the_outbox_into_the_feed_of_the_watch(
    outbox: Store, time: Time, feed: Path
) -> None:
    kinds = [EntryPoint("atom", "alerts.channels.atom:Atom", registry.GROUP)]
    put(outbox, time.now, "feed/1", "feed/2")
    table = ChannelTable(id="feed", kind="atom")
    drained = drain(outbox, [table], time, "test", folder=feed.parent, kinds=kinds)
    assert drained.sent == 2
    ids = {entry.id for entry in read(feed).entries}
    assert ids == {"urn:tocsin:msg_feed_1", "urn:tocsin:msg_feed_2"}


def test_a_link_or_a_pipe_in_the_place_of_its_files_is_neither_followed_nor_waited_for(
    feed: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    beside = feed.with_name(f".{feed.name}.new")
    beside.symlink_to(victim)
    tell(feed, SAMPLES["firing"], "msg_1")
    os.mkfifo(beside)
    tell(feed, SAMPLES["firing"], "msg_2")
    assert len(read(feed).entries) == 2
    lock = feed.with_name(f".{feed.name}.lock")
    lock.unlink()
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutsideError, match="cannot be written"):
        tell(feed, SAMPLES["firing"], "msg_3")
    lock.unlink()
    os.mkfifo(lock)
    with pytest.raises(OutsideError, match="cannot be written"):
        tell(feed, SAMPLES["firing"], "msg_3")
    assert victim.read_text() == "precious"
    assert not (tmp_path / "elsewhere").exists()
