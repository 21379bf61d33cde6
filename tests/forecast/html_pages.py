"""How the tests of pages read them, and the text that nobody should be able to break one with."""

import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

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


def width_in_browser(page: str, width: int, folder: Path) -> int:
    """How wide Chromium lays a page out in a frame of a width.

    In a frame, as a headless window is never narrower than 500.
    """
    (folder / "report.html").write_text(page, encoding="utf-8")
    (folder / "frame.html").write_text(
        f'<!doctype html><iframe id="f" src="report.html" width="{width}" height="900"></iframe>'
        "<p id=out></p><script>onload=()=>{const d=document.getElementById('f').contentDocument;"
        "document.getElementById('out').textContent='scroll '+d.documentElement.scrollWidth}"
        "</script>"
    )
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--allow-file-access-from-files", f"--user-data-dir={folder / 'p'}",
         "--window-size=1400,1000", "--dump-dom", (folder / "frame.html").as_uri()],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    match = re.search(r"scroll (\d+)", done.stdout)
    assert match is not None
    return int(match[1])
