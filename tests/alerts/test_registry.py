"""Kinds of channel are found by entry point, ours as a stranger's."""

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from alerts import registry
from alerts.channels.slack import Slack
from alerts.channels.webhook import Webhook
from alerts.registry import kind_of, open_channel, traits_of
from alerts.testing import check_channel, sample_facts
from forecast.alert_tables import ChannelTable
from forecast.clock import utc_now
from forecast.errors import ConfigError

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
OURS = tomllib.loads(PROJECT.read_text())["project"]["entry-points"][registry.GROUP]
KINDS = [EntryPoint(name, value, registry.GROUP) for name, value in OURS.items()]


@pytest.fixture
def secrets(tmp_path: Path) -> tuple[str, str]:
    """References to a URL and to a signing secret."""
    (tmp_path / "url").write_text("https://hook.example/one\n")
    (tmp_path / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    return f"file:{tmp_path}/url", f"file:{tmp_path}/secret"


@pytest.mark.parametrize(("kind", "made"), [("slack", Slack), ("webhook", Webhook)])
def test_the_kinds_of_the_project_open_and_conform(
    kind: str, made: type, secrets: tuple[str, str]
) -> None:
    url, secret = secrets
    channel = open_channel(ChannelTable(id="desk", kind=kind, url=url, secret=secret), KINDS)
    assert isinstance(channel, made)
    check_channel(channel)


@pytest.mark.parametrize("kind", OURS)
def test_every_kind_of_the_project_loads_and_says_what_it_needs(kind: str) -> None:
    table = ChannelTable(id="desk", kind=kind)
    if traits_of(kind_of(table, KINDS)).needs_url:
        with pytest.raises(ConfigError, match=f"a channel of kind {kind} needs a url"):
            open_channel(table, KINDS)
    else:
        assert open_channel(table, KINDS)


def test_a_strangers_kind_opens_in_the_same_way(secrets: tuple[str, str]) -> None:
    theirs = EntryPoint("theirs", "alerts.channels.webhook:Webhook", registry.GROUP)
    table = ChannelTable(id="desk", kind="theirs", url=secrets[0], secret=secrets[1])
    check_channel(open_channel(table, [theirs]))


def test_a_rotated_url_holds_from_the_next_send_on(secrets: tuple[str, str]) -> None:
    table = ChannelTable(id="desk", kind="slack", url=secrets[0])
    facts = sample_facts()["test"]
    before = open_channel(table, KINDS).request(facts, "msg_1", utc_now())
    Path(secrets[0].removeprefix("file:")).write_text("https://hook.example/two")
    after = open_channel(table, KINDS).request(facts, "msg_1", utc_now())
    assert (before.url, after.url) == ("https://hook.example/one", "https://hook.example/two")


def test_an_unknown_kind_names_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="kind of channel 'slak'; did you mean 'slack'") as caught:
        open_channel(ChannelTable(id="desk", kind="slak", url="env:X"), KINDS)
    assert caught.value.at == "channels.desk.kind"
    with pytest.raises(ConfigError, match=r"there are .*slack, webhook"):
        open_channel(ChannelTable(id="desk", kind="carrier-pigeon", url="env:X"), KINDS)


@pytest.mark.parametrize("value", ["no_such_module:Thing", "alerts.channels.slack:Thing"])
def test_a_kind_that_does_not_load_is_a_clear_line(value: str) -> None:
    broken = EntryPoint("broken", value, registry.GROUP)
    with pytest.raises(ConfigError, match="kind of channel 'broken' does not load"):
        open_channel(ChannelTable(id="desk", kind="broken", url="env:X"), [broken])


def test_a_kind_that_breaks_while_it_loads_is_a_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_broken_plug_in.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    broken = EntryPoint("broken", "a_broken_plug_in:Thing", registry.GROUP)
    with pytest.raises(ConfigError, match="does not load: ZeroDivisionError"):
        open_channel(ChannelTable(id="desk", kind="broken", url="env:X"), [broken])


@pytest.mark.parametrize("odd", [None, {"is_grouped": True}])
def test_traits_of_a_wrong_type_are_a_fault_of_the_configuration(odd: object) -> None:
    kind = type("Plug", (), {"traits": odd})
    with pytest.raises(ConfigError, match="`traits` of Plug"):
        registry.traits_of(kind)


def test_a_missing_secret_names_its_place() -> None:
    table = ChannelTable(id="desk", kind="slack", url="env:TOCSIN_TEST_IS_NOT_SET")
    with pytest.raises(ConfigError) as caught:
        open_channel(table, KINDS)
    assert caught.value.at == "channels.desk.url"
