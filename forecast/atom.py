"""Atom: feeds and their entries as XML, for files and for the web.

https://www.rfc-editor.org/rfc/rfc4287
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

NAMESPACE = "http://www.w3.org/2005/Atom"
FEED, ENTRY, ID, UPDATED = (f"{{{NAMESPACE}}}{name}" for name in ("feed", "entry", "id", "updated"))
NEVER = "1970-01-01T00:00:00Z"  # when a feed was updated that has no entry
# What XML 1.0 cannot hold, not even as a reference: https://www.w3.org/TR/xml/#charsets
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

ElementTree.register_namespace("", NAMESPACE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; its id is a URI, its moments ISO 8601 in UTC, its categories (term, label)."""

    entry_id: str
    title: str
    updated: str
    content: str
    link: str = ""
    categories: Sequence[tuple[str, str]] = ()
    published: str = ""


def entry(told: Entry) -> Element:
    """An atom:entry."""
    made = Element(ENTRY)
    _add(made, "id", told.entry_id)
    _add(made, "title", told.title)
    _add(made, "updated", told.updated)
    _add(made, "published", told.published or told.updated)
    for term, label in told.categories:
        _add(made, "category", term=term, label=label)
    _add(made, "content", told.content, type="text")
    if told.link.startswith(("https://", "http://")):
        _add(made, "link", rel="alternate", href=told.link)
    return made


def feed(feed_id: str, title: str, entries: Iterable[Element], itself: str = "") -> Element:
    """A whole feed, with the entries as they come; `itself` is the address that it is read at."""
    entries = list(entries)
    made = Element(FEED)
    _add(made, "id", feed_id)
    _add(made, "title", title)
    _add(made, "updated", max((old.findtext(UPDATED) or "" for old in entries), default=NEVER))
    if itself:
        _add(made, "link", rel="self", href=itself)
    _add(SubElement(made, f"{{{NAMESPACE}}}author"), "name", "Tocsin")
    _add(made, "generator", "Tocsin")
    made.extend(entries)
    return made


def as_bytes(made: Element) -> bytes:
    """A feed as a document of its own."""
    document: bytes = ElementTree.tostring(made, "utf-8", xml_declaration=True)
    return document


def _add(parent: Element, name: str, text: str | None = None, **attributes: str) -> None:
    made = SubElement(parent, f"{{{NAMESPACE}}}{name}")
    for key, value in attributes.items():
        made.set(key, _NO_XML.sub("", value))
    made.text = None if text is None else _NO_XML.sub("", text)
