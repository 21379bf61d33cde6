"""A feed: each alert is an entry in one Atom file, for readers, status pages and intranets.

https://www.rfc-editor.org/rfc/rfc4287
"""

import fcntl
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from alerts import message
from alerts.address import Network
from alerts.api import Endpoint, Outcome, Reply, Request, Traits
from alerts.channels.http import DEADLINE_SECONDS
from alerts.channels.log import judge_local
from forecast import atom
from forecast.errors import ConfigError, OutsideError

SCHEME = "atom"
MOST_ENTRIES = 200
DEFAULT_PATH = "alerts.atom"
TITLE = "x-feed-title"
LOCK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Atom:
    """A feed in a file. Option `path`, from the watch folder on; default `alerts.atom`."""

    traits: ClassVar[Traits] = Traits(needs_url=False)
    endpoint: Endpoint

    def request(
        self, facts: Mapping[str, Any], delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        """The entry. It has one form, so `plain` changes nothing."""
        if unknown := set(self.endpoint.options) - {"path"}:
            raise ConfigError(f"a feed has no option '{min(unknown)}', only path", at=self._at)
        path = self.endpoint.folder / self.endpoint.options.get("path", DEFAULT_PATH)
        title = {TITLE: f"Tocsin alerts: {self.endpoint.channel}"}
        body = ElementTree.tostring(entry(dict(facts), delivery_id), "utf-8")
        return Request(f"{SCHEME}:{path}", title, body)

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        """Written is delivered."""
        return judge_local(reply, "the feed")

    @property
    def _at(self) -> str:
        return f"channels.{self.endpoint.channel}.options"


def entry(facts: dict[str, Any], delivery_id: str) -> Element:
    """The facts as an atom:entry."""
    kind, severity = facts["kind"], facts["severity"]
    return atom.entry(
        atom.Entry(
            entry_id=f"urn:tocsin:{quote(delivery_id, safe='')}",
            title=message.headline(facts),
            updated=facts["at"],
            content=message.text(facts),
            link=facts["link"],
            categories=((kind, f"kind {kind}"), (severity, f"severity {severity}")),
        )
    )


def publish(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    allow: Sequence[Network] = (),
    deadline: float = DEADLINE_SECONDS,
) -> Reply:
    """Put the entry `body` on top of the feed at `url`, unless it is there already.

    The file is replaced whole, so that no reader and no crash sees half of it. OutsideError
    where it cannot be written, ConfigError where what lies there is no feed.
    """
    path = Path(url.partition(":")[2]).resolve()
    try:
        new = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        raise ConfigError("only a channel of kind atom writes a feed") from None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path, time.monotonic() + deadline):
            feed = _read(path)
            entries = feed.findall(atom.ENTRY)
            if new.findtext(atom.ID) not in [old.findtext(atom.ID) for old in entries]:
                feed_id = feed.findtext(atom.ID) or _new_id(path)
                title = headers.get(TITLE, "Tocsin alerts")
                _replace(path, atom.feed(feed_id, title, [new, *entries][:MOST_ENTRIES]))
    except OSError as error:
        raise OutsideError(f"the feed {path} cannot be written: {error.strerror}") from None
    return Reply(200)


def _new_id(path: Path) -> str:
    """Of its first place; it keeps it when it is moved."""
    return f"urn:tocsin:feed:{sha256(bytes(path)).hexdigest()[:32]}"


def _read(path: Path) -> Element:
    """The feed that is there, or an empty one."""
    if not path.exists():
        return Element(atom.FEED)
    if not path.is_file():
        raise ConfigError("the path of the feed is not a file")
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except ElementTree.ParseError:
        raise ConfigError("what lies in the feed's place is no feed; move it away") from None
    if root.tag != atom.FEED:
        raise ConfigError("what lies in the feed's place is no Atom feed; move it away")
    return root


def _replace(path: Path, feed: Element) -> None:
    """Write beside it, to the disk, and rename; the permissions of the old file are kept."""
    beside = path.with_name(f".{path.name}.new")
    mode = path.stat().st_mode & 0o777 if path.exists() else None
    beside.unlink(missing_ok=True)  # what a crash left, or a link that somebody laid there
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        ElementTree.ElementTree(feed).write(file, "utf-8", xml_declaration=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _locked(path: Path, end: float) -> Iterator[None]:
    """Alone with the file, among threads and processes; OutsideError where that takes too long."""
    # neither through a link nor waiting for the other end of a pipe that lies in its place
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    with open(os.open(path.with_name(f".{path.name}.lock"), flags, 0o666), "ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise OutsideError("the feed is being written by another process") from None
                time.sleep(LOCK_SECONDS)
            else:
                break
        yield
