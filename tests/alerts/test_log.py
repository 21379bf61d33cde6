"""The log: a line of JSON for each alert, at the level of its severity."""

import json
import logging
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alerts.api import Endpoint, Reply, Verdict
from alerts.channels import transports
from alerts.channels.log import LOGGER, Log
from alerts.testing import check_channel, sample_facts
from forecast.errors import ConfigError, OutsideError

NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
SAMPLES = sample_facts()
LOG = Log(Endpoint("journal"))


def tell(facts: dict[str, Any]) -> Reply:
    request = LOG.request(facts, "msg_1", NOW)
    return transports.post(request.url, request.body, request.headers)


def test_it_passes_the_conformance_checks() -> None:
    check_channel(LOG)


def test_a_line_says_what_an_alert_knows(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    reply = tell(SAMPLES["firing"])
    assert LOG.judge(reply, NOW).verdict is Verdict.DELIVERED
    (record,) = caplog.records
    line = json.loads(record.getMessage())
    assert (line["channel"], line["id"], line["kind"]) == ("journal", "msg_1", "firing")
    assert line["subject"]["id"] == "us-strike"
    assert (line["probability"], line["rule"]["id"], line["episode"]) == (0.43, "strike-40", 7)
    assert line["text"].startswith("FIRING · Any US strike")


@pytest.mark.parametrize("name", SAMPLES)
def test_every_message_is_one_line_of_ascii(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """A title may steer neither the log nor the terminal that shows it."""
    caplog.set_level(logging.INFO, LOGGER)
    tell(SAMPLES[name])
    text = caplog.records[0].getMessage()
    assert text.isascii()
    assert text.isprintable()
    json.loads(text)


@pytest.mark.parametrize(
    ("severity", "level"),
    [("info", "INFO"), ("warning", "WARNING"), ("page", "CRITICAL"), ("odd", "WARNING")],
)
def test_the_level_is_that_of_the_severity(
    severity: str, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    tell(SAMPLES["firing"] | {"severity": severity})
    assert caplog.records[0].levelname == level


def test_a_line_that_nobody_would_see_is_no_delivery() -> None:
    logger = logging.getLogger(LOGGER)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with pytest.raises(OutsideError, match=r"tocsin\.alerts is set not to take WARNING"):
            tell(SAMPLES["firing"])
    finally:
        logger.setLevel(before)


BARE = """
from tests.alerts.test_log import SAMPLES, tell
tell(SAMPLES["firing"] | {"severity": "info"})
"""


def test_a_process_without_logging_shows_the_line_on_stderr() -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", BARE]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert json.loads(result.stderr)["kind"] == "firing"


def test_the_log_has_no_options() -> None:
    with pytest.raises(ConfigError, match="has no options"):
        Log(Endpoint("journal", options={"level": "info"})).request(SAMPLES["test"], "m", NOW)
