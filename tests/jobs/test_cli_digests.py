"""`tocsin digests` and what goes out of it, with the real command and a real receiver."""

import json
from pathlib import Path

from alerts.testing import Receiver
from tests.jobs.desk import SECRET, make_desk

DIGEST = """
[[digests]]
id = "weekly"
every = "7 days"
starts = 2024-01-01T00:00:00Z
channels = ["desk"]
why = "For the Monday meeting."
"""


def test_a_digest_is_listed_previewed_sent_and_received(tmp_path: Path) -> None:
    with Receiver(SECRET) as receiver:
        desk = make_desk(tmp_path, url=receiver.webhook_url)
        desk.file.write_text(desk.file.read_text() + DIGEST)
        (listed,) = json.loads(desk.run("digests", "--json").stdout)["digests"]
        assert (listed["id"], listed["channels"], listed["last_slot"]) == ("weekly", ["desk"], None)
        preview = desk.run("digests", "preview", "weekly")
        assert "CALM · A strike this season? · no estimate yet" in preview.stdout
        assert "it would go to desk" in preview.stderr
        assert "weekly is paused by" in desk.run("digests", "pause", "weekly").stdout
        assert "weekly was paused already" in desk.run("digests", "pause", "weekly").stdout
        (rests,) = json.loads(desk.run("digests", "--json").stdout)["digests"]
        assert (rests["paused"], rests["next_slot"]) == (True, None)
        assert "weekly is paused by" in desk.run("digests").stdout
        assert "weekly is resumed by" in desk.run("digests", "resume", "weekly").stdout
        assert desk.run("digests", "send", "weekly").returncode == 0
        served = desk.run("serve", "--once")
        assert served.returncode == 0, served.stderr
    told = [json.loads(one.body) for one in receiver.received if b"tocsin.alert.report" in one.body]
    assert [one["data"]["digest"]["why"] for one in told] == ["For the Monday meeting."]
    assert all(one.problem == "" for one in receiver.received)


def test_a_badge_is_written_and_a_link_with_a_key_is_printed(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    assert desk.run("report", "q-strike", "--badge", "out.svg").returncode == 0
    assert "no\u00a0estimate" in (tmp_path / "out.svg").read_text()
    assert desk.run("report", "--badge", "out.svg").returncode == 2
    desk.run("tokens", "create", "reader")
    link = desk.run("tokens", "link", "reader", "/badges/q-strike.svg").stdout
    assert link.startswith("http://127.0.0.1:8321/badges/q-strike.svg?key=tok_")
    assert "no live token" in desk.run("tokens", "link", "nobody", "/feeds/alerts.atom").stderr
