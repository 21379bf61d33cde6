"""How the tests of pages read them, and the text that nobody should be able to break one with."""

import xml.etree.ElementTree as ET

import html5lib

HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e\u2066\x00\x1b\x9b\ud800\uffff"
    "مرحبا {{ 7*7 }} {% raw %}&lt;" + "long " * 2000
)


def parsed(page: str) -> ET.Element:
    """The page read by html5lib, which raises on anything that is not valid HTML."""
    root: ET.Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    return root


def text_of(page: str) -> str:
    """What a reader of the page reads, in one line."""
    body = parsed(page).find("body")
    assert body is not None
    return " ".join(" ".join(body.itertext()).replace("\u00a0", " ").split())
