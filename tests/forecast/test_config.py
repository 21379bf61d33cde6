"""watch.toml is read strictly: each mistake is one line with the path of its key."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forecast.alert import Target
from forecast.config import Config
from forecast.errors import ConfigError
from forecast.watch import Watch, load_watch, parse_config, read_config, resolve_reference

DESK = '[watch]\ntitle = "desk"\n'
INDICATOR = '[indicators.a]\neffect = "1.2x..3x"\nhalf_life = "30 days"\n'
DEFINITION = '[definitions.d]\nbase_rate = "1%..5% per quarter"\nindicators = ["a"]\n'
RULE = '[[rules]]\nid = "r"\nquestions = ["*"]\n'
WIDER = '[definitions.d]\nbase_rate = "1%..5% per quarter"\n'


def trouble(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(DESK + text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("colour = 1\n", "watch.colour", "unknown key"),
        ("titel = 'x'\n", "watch.titel", "did you mean 'title'?"),
        ("seed = -1\n", "watch.seed", "greater than or equal to 0"),
        ("seed = 'one'\n", "watch.seed", "valid integer"),
        (INDICATOR.replace("30 days", "-3 days"), "indicators.a.half_life", "not a duration"),
        (INDICATOR.replace("30 days", "0 days"), "indicators.a.half_life", "more than 0"),
        (INDICATOR.replace("1.2x..3x", "3x..1.2x"), "indicators.a.effect", "below the upper end"),
        (INDICATOR.replace("1.2x..3x", "0x..3x"), "indicators.a.effect", "more than 0"),
        (INDICATOR.replace("1.2x..3x", "much"), "indicators.a.effect", "1.2x..3x, 90% sure"),
        (DEFINITION, "definitions.d.indicators", "no indicator matches 'a'"),
        (INDICATOR + DEFINITION + "efects = {}\n", "definitions.d.efects", "'effects'"),
        ('[definitions.d]\nmodel = "hazard"\n', "definitions.d", "needs a base_rate"),
        (WIDER.replace("1%..5%", "0%..5%"), "definitions.d.base_rate", "strictly between"),
        (WIDER + '[definitions.e]\nwithin = "x"\nshare = "1%..2%"\n', "", "no definition 'x'"),
        (WIDER + '[definitions.e]\nwithin = "d"\n', "definitions.e", "needs a share"),
        (WIDER + 'late_events = "count"\n', "definitions.d.late_events", "'correct' or 'stand'"),
        (
            WIDER + '[definitions.e]\nwithin = "d"\nshare = "1%..2%"\nlate_events = "stand"\n',
            "definitions.e",
            "lies within 'd', which says what late_events do",
        ),
        (
            WIDER
            + 'late_events = "stand"\ngrace = "1 day"\n'
            + '[definitions.e]\nwithin = "d"\nshare = "1%..2%"\ngrace = "2 days"\n',
            "definitions.e.grace",
            "is longer than that of 'd', whose no stands",
        ),
        (WIDER + "observed_since = 2025-01-01T10:00:00\n", "observed_since", "no time zone"),
        (WIDER + "observed_since = 1899-12-31\n", "d.observed_since", "before the year 1900"),
        (WIDER + 'observed_since = "0001-01-01"\n', "d.observed_since", "before the year 1900"),
        (WIDER + "observed_since = 0001-01-01T00:00:00+05:00\n", "observed_since", "outside"),
        (WIDER + "observed_since = 9999-12-31T23:00:00-05:00\n", "observed_since", "outside"),
        (WIDER + "observed_since = 2025\n", "definitions.d.observed_since", "not a date such"),
        (WIDER + 'observed_since = "soon"\n', "definitions.d.observed_since", "not a date"),
        (WIDER + 'unit_spread = "1x..1e9x"\n', "definitions.d.unit_spread", "0.001x..1000x"),
        (WIDER + 'grace = "1e300 days"\n', "definitions.d.grace", "at most 100 years"),
        (INDICATOR.replace("30 days", "1e308 years"), "indicators.a.half_life", "100 years"),
        ('store = "postgresql//ada/db"\n', "watch.store", "neither the path of a file nor a URL"),
        ("seed = 0x" + "f" * 5_000 + "\n", "watch.seed", "less than 4294967296"),
        (
            WIDER + '[definitions.e]\nwithin = "d"\nrest_of = "d"\n',
            "definitions.e.rest_of",
            "is not a share of 'd'",
        ),
        (RULE + "fire_at = 0.4\nclear_at = 0.5\n", "rules.0", "must be below fire_at"),
        (RULE + "fire_at = 0.4\nclear_at = 0.4\n", "rules.0", "must be below fire_at"),
        (RULE + "fire_at = nan\n", "rules.0.fire_at", "not a probability"),
        (RULE + 'fire_at = "140%"\n', "rules.0.fire_at", "not a probability"),
        (RULE + "fire_at = true\n", "rules.0.fire_at", "not a probability"),
        (RULE + "fire_at = 0.4\ndwell = 0\n", "rules.0.dwell", "greater than or equal to 1"),
        ((RULE + "fire_at = 0.4\n") * 2, "rules", "two of them have the id 'r'"),
        ('[[subscriptions]]\nchannel = "x"\n', "subscriptions.0.channel", "no channel 'x'"),
        (
            '[[channels]]\nid = "c"\nkind = "slack"\nurl = "https://hooks.example/T0"\n',
            "channels.0.url",
            "by reference",
        ),
        (
            '[[schedules]]\nid = "s"\ncron = "0 0 * * *"\ntimezone = "Mars/Olympus"\n',
            "schedules.0.timezone",
            "not a time zone",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_place(text: str, place: str, words: str) -> None:
    line = trouble(text)
    assert line.startswith("watch.toml")
    assert place in line
    assert words in line


def test_a_secret_in_the_wrong_place_is_not_repeated() -> None:
    assert "T0CANARY" not in trouble(
        '[[channels]]\nid = "c"\nkind = "slack"\nurl = "https://hooks.example/T0CANARY"\n'
    )


def test_definitions_in_a_ring_are_refused() -> None:
    ring = "".join(
        f'[definitions.{a}]\nwithin = "{b}"\nshare = "1%..2%"\n' for a, b in ("de", "ed")
    )
    assert "ring" in trouble(ring)


def test_what_is_not_toml_says_where() -> None:
    with pytest.raises(ConfigError, match=r"w\.toml: is not TOML: .*line 2"):
        parse_config("[watch]\ntitle = oops\n", "w.toml")


def test_a_number_of_too_many_digits_is_one_line() -> None:
    assert trouble("seed = " + "7" * 5_000) == "watch.toml: holds a number of too many digits"


def test_a_quoted_date_is_a_day_in_utc() -> None:
    quoted = parse_config(DESK + WIDER + 'observed_since = "2025-01-31"\n')
    plain = parse_config(DESK + WIDER + "observed_since = 2025-01-31\n")
    assert quoted == plain
    assert plain.definitions["d"].observed_since == datetime(2025, 1, 31, tzinfo=UTC)


def test_a_file_of_another_kind_or_size_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "watch.toml"
    path.write_text(DESK + "#" * (1 << 20))
    with pytest.raises(ConfigError, match="is longer than 1048576 bytes"):
        read_config(path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match="is not a regular file"):
        read_config(path)


def test_a_file_that_is_not_utf8_says_so(tmp_path: Path) -> None:
    (tmp_path / "watch.toml").write_bytes(b'[watch]\ntitle = "\xff"')
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_config(tmp_path / "watch.toml")


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="tocsin init"):
        load_watch(tmp_path)


def test_a_rule_without_clear_at_clears_five_points_below() -> None:
    config = parse_config(DESK + RULE + 'fire_at = "40%"\n')
    rule = config.rules[0].rule()
    assert rule.fire_at == 0.4
    assert rule.clear_at == pytest.approx(0.35)
    assert (rule.dwell_up, rule.dwell_down) == (2, 2)


def test_a_rule_with_a_low_line_can_still_clear() -> None:
    rule = parse_config(DESK + RULE + "fire_at = 0.03\n").rules[0].rule()
    assert rule.clear_at == pytest.approx(0.018)


def nested() -> Config:
    return parse_config(
        DESK
        + INDICATOR
        + DEFINITION
        + '[definitions.e]\nwithin = "d"\nshare = "20%..60%"\n'
        + '[definitions.f]\nwithin = "e"\nshare = "20%..60%"\n'
    )


def test_the_root_of_a_nested_definition_is_the_one_with_a_rate() -> None:
    assert [nested().root_of(name) for name in "def"] == ["d", "d", "d"]


def test_a_definition_is_inside_itself_and_all_that_holds_it() -> None:
    inside = [(a, b) for a in "def" for b in "def" if nested().is_inside(a, b)]
    assert inside == [("d", "d"), ("e", "d"), ("e", "e"), ("f", "d"), ("f", "e"), ("f", "f")]
    assert not nested().is_inside("unknown", "d")


def test_subscriptions_choose_channels_by_rule_and_question() -> None:
    channel = '[[channels]]\nid = "{}"\nkind = "slack"\nurl = "env:X"\n'
    config = parse_config(
        DESK
        + channel.format("all")
        + channel.format("some")
        + '[[subscriptions]]\nchannel = "all"\n'
        + '[[subscriptions]]\nchannel = "some"\nrules = ["big-*"]\nquestions = ["q1"]\n'
    )
    assert config.channels_for(Target("big-one", "q1")) == ["all", "some"]
    assert config.channels_for(Target("big-one", "q2")) == ["all"]
    assert config.channels_for(Target("small", "q1")) == ["all"]


def test_references_are_read_when_they_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_TEST_SECRET", " word \n")
    (tmp_path / "secret").write_text("other\n")
    assert resolve_reference("env:TOCSIN_TEST_SECRET", "x") == "word"
    assert resolve_reference(f"file:{tmp_path / 'secret'}", "x") == "other"
    with pytest.raises(ConfigError, match="x: the environment variable NOT_SET_HERE is not set"):
        resolve_reference("env:NOT_SET_HERE", "x")
    with pytest.raises(ConfigError, match="cannot be read"):
        resolve_reference(f"file:{tmp_path / 'nothing'}", "x")


def test_a_secret_is_a_small_regular_file(tmp_path: Path) -> None:
    (tmp_path / "long").write_text("x" * ((1 << 16) + 1))
    (tmp_path / "binary").write_bytes(b"\xff")
    os.mkfifo(tmp_path / "pipe")
    for name, words in [
        (str(tmp_path / "long"), "is longer than 65536 bytes"),
        (str(tmp_path / "binary"), "is not UTF-8"),
        (str(tmp_path / "pipe"), "is not a regular file"),
        ("/dev/zero", "is not a regular file"),
        (str(tmp_path), "is not a regular file"),
        ("~nobody-of-this-name/x", "home directory"),
        ("a\0b", "null"),
    ]:
        with pytest.raises(ConfigError, match=words):
            resolve_reference(f"file:{name}", "x")


def _desk(folder: Path, store: str) -> Watch:
    (folder / "watch.toml").write_text(DESK + f'store = "{store}"\n')
    return load_watch(folder)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql//ada:CANARYpw@127.0.0.1/db",
        "postgresql:ada:CANARYpw@h/db",
        "postgresql:/ada:CANARYpw@h/db",
        "Postgres CANARYpw",
        "ada:CANARYpw",
        "host=h password=CANARYpw",
    ],
)
def test_a_mistyped_url_of_a_store_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.delenv("TOCSIN_STORE", raising=False)
    with pytest.raises(ConfigError, match=r"watch\.store: is neither the path") as of_file:
        _desk(tmp_path, text)
    watch = _desk(tmp_path, "tocsin.db")
    monkeypatch.setenv("TOCSIN_STORE", text)
    with pytest.raises(ConfigError, match="TOCSIN_STORE: is neither the path") as of_environment:
        _ = watch.store_url
    assert "CANARY" not in str(of_file.value) + str(of_environment.value)


def test_what_a_reference_to_a_store_holds_is_a_url_and_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = _desk(tmp_path, "env:DESK_STORE")
    monkeypatch.delenv("TOCSIN_STORE", raising=False)
    monkeypatch.setenv("DESK_STORE", "CANARYpw")
    with pytest.raises(ConfigError) as caught:
        _ = watch.store_url
    assert str(caught.value).startswith("watch.store: env:DESK_STORE holds no URL")
    assert "CANARY" not in str(caught.value)
    monkeypatch.setenv("DESK_STORE", "postgresql://ada:pw@h/db")
    assert watch.store_url == "postgresql://ada:pw@h/db"


def test_a_path_is_a_file_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOCSIN_STORE", raising=False)
    folder = tmp_path / "ada@corp"
    folder.mkdir()
    assert _desk(folder, "my store.db").store_url == f"sqlite:///{folder}/my store.db"


def test_the_flagship_watch_is_valid_and_gives_a_reason_for_every_prior() -> None:
    folder = Path(__file__).parents[2] / "examples" / "venezuela-2025"
    config = load_watch(folder).config
    assert len(config.indicators) > 30
    assert all(indicator.why for indicator in config.indicators.values())
    assert all(definition.why for definition in config.definitions.values())
    assert all(rule.why for rule in config.rules)
