"""A pack that is wrong is refused in one line that names the file and the rule."""

from pathlib import Path

import pytest

from forecast.errors import ConfigError, TocsinError
from forecast.tagging_table import parse_pack
from forecast.watch import load_watch
from jobs.tagging.book import compile_packs
from jobs.tagging.loading import tagger_of
from jobs.tagging.patterns import compiled
from tests.jobs.tagging.packs import PACK, WATCH, article, make_watch, tagger


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        compile_packs([("pack.toml", parse_pack(text, "pack.toml"))])
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('id = "talks"', 'id = "ballot"', "pack.toml: rules: two of them have the id 'ballot'"),
        ("within = 3", "withn = 3", "pack.toml: rules.talks.withn: unknown key; did you mean"),
        ('"@port"', '"@prt"', "units.0.all_of: no list 'prt' in [terms]; did you mean 'port'?"),
        ('"harbour", "port', '"@port", "port', "the list 'port' of [terms] holds itself"),
        ('"ballot*"', '"bal*lot"', "rules.ballot.phrases.0: the phrase 'bal*lot' has a *"),
        ('"ballot*"', '" - "', "rules.ballot.phrases: the phrase ' - ' holds no word"),
        ('"ballot*"', '"*"', "rules.ballot.phrases.0: the phrase '*' holds no word"),
        ('phrases = ["ballot*"]', "", "pack.toml"),
        ("value = 0.3", "value = 3", "rules.walkout.hypothetical"),
        ("words = 6", "words = 0", "cues.0.words"),
        ("[terms]", "[terms", "pack.toml: is not TOML"),
    ],
)
def test_what_cannot_be_is_named_with_its_place(old: str, new: str, words: str) -> None:
    if new == "":
        text = PACK.replace(old, new).replace("patterns =", "#")
        assert "needs phrases or patterns" in refused(text)
        return
    assert words in refused(PACK.replace(old, new, 1))


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(a|aa)+b",
        "(?:[a-z]+ )*strike",
        "([a-z ]+){3}x",
        ".*dock.*crane.*",
        "(a?){30}a{30}",
        r"(\w+) \1",
        "(?=(a+))(a+)+",
        "a{1,200}b{1,200}",
    ],
)
def test_a_pattern_that_could_go_back_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="could be tried in more than 10,000 ways"):
        compiled(pattern)


@pytest.mark.parametrize("pattern", ["(", "a{2,1}", "a*", "", "x" * 600, "(?P<a>x)(?P<a>y)"])
def test_a_pattern_that_is_none_or_fits_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"regular|empty|longer"):
        compiled(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"\d{1,3} (?:dead|killed)", "and 14 dead"),
        ("strikes? (?:on|in) land", "strike on land"),
        ("walk.*harbour", "walked to the harbour"),
        ("(?:no )?deal", "no deal"),
    ],
)
def test_an_ordinary_pattern_is_taken(pattern: str, text: str) -> None:
    assert compiled(pattern).search(text)


def test_the_refusal_names_the_pack_the_rule_and_the_pattern() -> None:
    text = PACK.replace("patterns = [", "patterns = ['(a+)+b', ")
    words = refused(text)
    assert words.startswith("pack.toml: rules.ballot.patterns.0: the pattern could be tried")
    assert "\n" not in words


def test_a_phrase_that_one_rule_adds_hides_nothing_from_another() -> None:
    text = "Crane drivers walked out at the harbour."
    more = PACK.replace('phrases = ["talks"]', 'phrases = ["talks", "drivers walked out at"]')
    assert [c.rule_id for c in tagger(more).tag(article(text))] == ["walkout"]


def test_two_packs_are_one_book_and_rules_of_one_name_are_refused() -> None:
    pack = parse_pack(PACK, "pack.toml")
    with pytest.raises(ConfigError, match=r"more\.toml: rules\.walkout: another pack has a rule"):
        compile_packs([("pack.toml", pack), ("more.toml", pack)])


def test_a_watch_without_tagging_has_no_tagger(tmp_path: Path) -> None:
    (tmp_path / "watch.toml").write_text(WATCH.partition("[tagging]")[0])
    assert tagger_of(load_watch(tmp_path)) is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('tag = "union.ballot"', 'tag = "union.balot"', "no indicator 'union.balot' in watch.toml"),
        ('units = ["harbour"]', 'units = ["harbor"]', "no unit 'harbor' in watch.toml; did you"),
        ('unit = "rail"', 'unit = "train"', "units.1.unit: no unit 'train' in watch.toml"),
    ],
)
def test_a_pack_speaks_of_what_the_watch_knows(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    watch = load_watch(make_watch(tmp_path, pack=PACK.replace(old, new, 1)))
    with pytest.raises(TocsinError) as caught:
        tagger_of(watch)
    assert words in str(caught.value)


def test_a_pack_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    watch = load_watch(make_watch(tmp_path))
    (tmp_path / "pack.toml").unlink()
    with pytest.raises(ConfigError, match=r"tagging\.packs: .*pack\.toml is not there"):
        tagger_of(watch)
    (tmp_path / "pack.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"pack\.toml: is not UTF-8"):
        tagger_of(watch)
