"""A small pack, and articles, to test tagging with."""

from datetime import timedelta
from pathlib import Path

from forecast.article import Article
from forecast.clock import parse_instant
from forecast.store import open_store
from forecast.tagging_table import parse_pack
from jobs.app import App
from jobs.tagging.book import compile_packs
from jobs.tagging.tagger import Tagger

AT = parse_instant("2025-11-25T12:00:00Z")
NOW = AT + timedelta(hours=6)

PACK = """
title = "Harbour"

[terms]
port = ["harbour", "port of Hamina"]

[[units]]
unit = "harbour"
all_of = ["@port"]

[[units]]
unit = "rail"
all_of = [["VR", "railway*"], ["union*", "drivers"]]

[[cues]]
kind = "negation"
phrases = ["denied", "no plans to", "did not"]
words = 6

[[cues]]
kind = "hypothetical"
phrases = ["could", "threatened to"]
words = 6

[origins]
Reuters = ["Reuters"]
AP = ["AP", "Associated Press"]

[[rules]]
id = "walkout"
tag = "union.walkout"
phrases = ["walkout*", "walked out", "strike*"]
requires = [["dockers", "crane drivers", "drivers"]]
excludes = ["air strike*"]
hypothetical = { tag = "union.threat", value = 0.3 }
strengths = [{ value = 0.9, phrases = ["first", "largest"] }]

[[rules]]
id = "ballot"
tag = "union.ballot"
units = ["harbour"]
phrases = ["ballot*"]
patterns = ["\\\\d{1,3} per cent (?:voted|said) yes"]
negated = "lower"
hypothetical = "keep"
most = 2

[[rules]]
id = "talks"
tag = "union.talks"
units = ["harbour"]
phrases = ["talks"]
requires = [["resum*"]]
within = 3
assume = true
"""

WATCH = """
[watch]
title = "Harbour desk"

[units.harbour]
title = "The harbour"

[units.rail]
title = "The railway"

[indicators."union.walkout"]
effect = "1.5x..4x"
half_life = "30 days"

[indicators."union.threat"]
effect = "1x..2x"
half_life = "30 days"

[indicators."union.ballot"]
effect = "1x..2x"
half_life = "30 days"

[indicators."union.talks"]
effect = "0.5x..1x"
half_life = "30 days"

[tagging]
packs = ["pack.toml"]
"""


def tagger(text: str = PACK, min_score: float = 0.0) -> Tagger:
    return Tagger(compile_packs([("pack.toml", parse_pack(text, "pack.toml"))]), min_score)


def article(text: str, name: str = "a1", title: str = "", source: str = "Post") -> Article:
    return Article(name, title, text, AT, source=source, url=f"https://news.invalid/{name}")


def make_watch(folder: Path, *, more: str = "", pack: str = PACK) -> Path:
    (folder / "watch.toml").write_text(WATCH + more)
    (folder / "pack.toml").write_text(pack)
    return folder


def open_desk(folder: Path, url: str, *, more: str = "", pack: str = PACK) -> App:
    """The watch of the pack on a store; the caller closes it."""
    from forecast.watch import load_watch

    watch = load_watch(make_watch(folder, more=more, pack=pack))
    return App(watch, open_store(url, rule=watch.config.incidents.rule()))
