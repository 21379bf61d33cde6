"""The table [[digests]]: which report goes to which channels, how often, and about what."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from forecast.alert_tables import ChannelTable, Table
from forecast.fields import Days, Identifier, Patterns, PositiveDays, ZoneName, utc_instant
from forecast.names import did_you_mean, matches
from forecast.question import Question
from forecast.schedule_table import Schedule
from forecast.words import parse_days

PREFIX = "digest:"  # of its runs: a schedule may have the same id
_CLOCK = ("cron", "every", "starts", "timezone")


class Digest(Table):
    """A report of many questions, told on a schedule.

    When it comes is said as in [[schedules]]. It goes to the channels that fit `channels`, and
    is of the questions that fit `questions` and `units` alike. What moved counts from the
    digest before it, or with `since` from so long ago. Of the questions the `top` that most
    need attention are told one by one, of the others how many there are. `why` stands in it.
    """

    id: Identifier
    cron: str | None = None
    every: Days | None = None
    starts: datetime | None = None
    timezone: ZoneName = "UTC"
    channels: Patterns
    questions: Patterns = ["*"]
    units: Patterns = ["*"]
    since: PositiveDays | None = None
    top: int = Field(default=10, ge=1, le=50)
    why: str = ""

    @field_validator("starts", mode="before")
    @classmethod
    def _instant(cls, value: object) -> datetime:
        return utc_instant(value)

    @model_validator(mode="after")
    def _has_a_clock(self) -> Self:
        _ = self.schedule  # says what is wrong with it
        return self

    @property
    def schedule(self) -> Schedule:
        """When it comes, as a schedule; of those that were missed the newest makes up for all."""
        clock: dict[str, Any] = {
            name: getattr(self, name) for name in _CLOCK if name in self.model_fields_set
        }
        return Schedule(id=f"{PREFIX}{self.id}", **clock)

    @property
    def window(self) -> timedelta | None:
        """How far back it reaches; None where that is to the digest before it."""
        return None if self.since is None else timedelta(days=parse_days(self.since))

    def takes(self, question: Question) -> bool:
        """Whether a question is one of those that it tells of."""
        is_ours = matches(question.question_id, self.questions)
        return is_ours and matches(question.unit, self.units)


def check_channels(digests: Iterable[Digest], channels: Sequence[ChannelTable]) -> None:
    """ValueError where a digest names a channel that there is not."""
    known = [table.id for table in channels]
    for digest in digests:
        for pattern in digest.channels:
            if not any(matches(name, [pattern]) for name in known):
                near = did_you_mean(pattern, known)
                raise ValueError(f"digests.{digest.id}.channels: no channel '{pattern}'{near}")
