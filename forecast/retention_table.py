"""The table `[retention]` of watch.toml: what of the past may be thinned, and after how long.

Nothing is, unless it is stated. Facts (reports, events, questions, coverage, forecasts of
others), resolutions, priors and changes of a rule's mind are kept for ever: there is no key for
them.
"""

from datetime import datetime, timedelta

from pydantic import field_validator

from forecast.alert_tables import Table
from forecast.fields import PositiveDays
from forecast.thinning import Kind
from forecast.words import parse_days

SHORTEST = 7.0  # days: what is younger is still read by updates, reminders and rules on change


SUGGESTED = {
    Kind.MODEL_STATES: "30 days",
    Kind.ESTIMATES: "90 days",
    Kind.AUDITS: "365 days",
    Kind.DELIVERIES: "180 days",
    Kind.RUNS: "180 days",
    Kind.QUARANTINE: "90 days",
    Kind.REQUESTS: "30 days",
}
BECOMES = {
    Kind.MODEL_STATES: "the newest 3 of each track stay, and one a week, with what they taught",
    Kind.ESTIMATES: "one a day of each question stays, its first, and those that rang",
    Kind.AUDITS: "the newest of each track stay",
    Kind.DELIVERIES: "those that were sent go, with their attempts; of a running alert they stay",
    Kind.RUNS: "the newest of each schedule stays",
    Kind.QUARANTINE: "rows that could not be read go",
    Kind.REQUESTS: "what the API was asked and has answered goes, and its idempotency keys",
}


class RetentionTable(Table):
    """For each kind, how long all of it is kept; None: for ever."""

    model_states: PositiveDays | None = None
    estimates: PositiveDays | None = None
    audits: PositiveDays | None = None
    deliveries: PositiveDays | None = None
    runs: PositiveDays | None = None
    quarantine: PositiveDays | None = None
    requests: PositiveDays | None = None

    @field_validator("*")
    @classmethod
    def _not_at_once(cls, value: str | None) -> str | None:
        if value is not None and parse_days(value) < SHORTEST:
            raise ValueError(f"'{value}' is less than {SHORTEST:.0f} days")
        return value

    def before(self, now: datetime) -> dict[Kind, datetime]:
        """Of each kind that may be thinned, from before which moment."""
        stated = {kind: getattr(self, kind.value) for kind in Kind}
        return {
            kind: now - timedelta(days=parse_days(text)) for kind, text in stated.items() if text
        }
