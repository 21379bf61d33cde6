"""What docs/messages.md shows is what is said."""

import json
import re
from pathlib import Path

import pytest

from alerts import message
from alerts.channels.webhook import event
from alerts.testing import sample_facts
from alerts.testing.report_samples import sample_reports

PAGE = (Path(__file__).parents[2] / "docs" / "messages.md").read_text()
SAMPLES = sample_facts() | sample_reports()
SHOWN = dict(re.findall(r"<!-- (\w+) -->\n```text\n(.*?)\n```", PAGE, re.DOTALL))


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.mark.parametrize("name", SHOWN)
def test_an_example_is_what_the_sample_says(name: str) -> None:
    assert message.text(SAMPLES[name]) == SHOWN[name]


def test_every_kind_of_message_and_of_rule_is_shown() -> None:
    shown = [SAMPLES[name] for name in SHOWN]
    assert {facts["kind"] for facts in shown} == {facts["kind"] for facts in SAMPLES.values()}
    kinds = {facts["rule"]["kind"] for facts in shown if "rule" in facts}
    assert len(kinds) == 10


def test_the_event_is_what_is_sent() -> None:
    assert json.loads(block("json")) == event(
        SAMPLES["stale"], "msg_0123456789abcdef0123456789abcdef"
    )


def rows() -> dict[str, str]:
    """The table of facts: a key, and what is said of it."""
    table = PAGE.partition("## The facts")[2]
    return dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE))


def test_every_key_of_the_facts_is_explained_and_no_other() -> None:
    keys = {key for facts in SAMPLES.values() for key in facts}
    assert rows().keys() == keys


def test_every_key_within_them_is_named() -> None:
    for facts in SAMPLES.values():
        for key, value in facts.items():
            inner = value[0] if isinstance(value, list) and value else value
            if isinstance(inner, dict) and key != "parts":
                missing = [name for name in inner if f"`{name}`" not in rows()[key]]
                assert missing == [], key
