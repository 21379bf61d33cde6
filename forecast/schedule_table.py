"""The tables [[schedules]] and [updates]: when questions are updated, by the clock and by news."""

from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from forecast.alert_tables import Table
from forecast.fields import Days, Identifier, Patterns, ZoneName, utc_instant
from forecast.names import matches
from forecast.question import Question
from forecast.words import parse_days

LEAST_EVERY = timedelta(seconds=1)  # the ticker looks twice a second
_WHEN = ("kind", "cron", "every", "starts", "timezone")


class Schedule(Table):
    """When questions are updated, or their answers audited.

    By a `cron` line in a named zone, or `every` so much time, counted from `starts` or from a
    midnight of the zone: never from when a process began. Its questions are those that fit
    `questions`, `units` and `definitions` alike. A slot is carried out up to `jitter` later, by
    a delay that follows from the schedule and the slot. `catch_up` says what becomes of slots
    that were missed: the latest makes up for all, each is run, or none that is more than
    `grace` late.
    """

    id: Identifier
    kind: Literal["update", "audit"] = "update"
    cron: str | None = None
    every: Days | None = None
    starts: datetime | None = None
    timezone: ZoneName = "UTC"
    questions: Patterns = ["*"]
    units: Patterns = ["*"]
    definitions: Patterns = ["*"]
    jitter: Days = "0 seconds"
    catch_up: Literal["latest", "all", "none"] = "latest"
    grace: Days = "5 minutes"

    @field_validator("starts", mode="before")
    @classmethod
    def _instant(cls, value: object) -> datetime:
        return utc_instant(value)

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if (self.cron is None) == (self.every is None):
            raise ValueError("needs a cron line, or every so much time (one of the two)")
        if self.starts is not None and self.every is None:
            raise ValueError("starts goes with every")
        if "grace" in self.model_fields_set and self.catch_up != "none":
            raise ValueError("grace goes with catch_up = 'none'")
        if self.step is not None and self.step < LEAST_EVERY:
            raise ValueError(f"every: '{self.every}' is less than a second")
        if self.step is not None and self.longest_delay >= self.step:
            raise ValueError(f"jitter: '{self.jitter}' is not less than every '{self.every}'")
        return self

    @property
    def step(self) -> timedelta | None:
        """The time from slot to slot; None for a cron line."""
        return None if self.every is None else _duration(self.every)

    @property
    def longest_delay(self) -> timedelta:
        """No slot is carried out later than this after its time, but for downtime."""
        return _duration(self.jitter)

    @property
    def patience(self) -> timedelta:
        """How late a slot may still be run where none is made up for."""
        return _duration(self.grace)

    @property
    def words(self) -> str:
        """When it comes, as it is written.

        >>> Schedule(id="s", cron="0 8 * * *", timezone="Europe/Helsinki").words
        '0 8 * * * (Europe/Helsinki)'
        >>> Schedule(id="s", every="15 minutes").words
        'every 15 minutes'
        """
        return f"{self.cron} ({self.timezone})" if self.cron else f"every {self.every}"

    @property
    def digest(self) -> str:
        """Changes where its slots do: then it starts anew."""
        told = repr([str(getattr(self, name)) for name in _WHEN])
        return blake2b(told.encode(), digest_size=16).hexdigest()

    def delay(self, slot: datetime) -> timedelta:
        """How much later than its time a slot is carried out: from nothing up to `jitter`.

        It follows from the schedule's id and the slot alone, so that a restart moves nothing,
        and schedules of one cron line spread out.
        """
        seed = f"{self.id} {slot.timestamp():.6f}".encode()
        share = int.from_bytes(blake2b(seed, digest_size=8).digest()) / 2**64
        return self.longest_delay * share

    def takes(self, question: Question) -> bool:
        """Whether a question is one of the schedule's."""
        return (
            matches(question.question_id, self.questions)
            and matches(question.unit, self.units)
            and matches(question.definition, self.definitions)
        )

    def as_json(self) -> dict[str, Any]:
        """What the API tells of it."""
        return self.model_dump(mode="json", exclude_defaults=True)


class Updates(Table):
    """Updates on news: questions of a unit of which something new was heard.

    With `on_news` they are updated once nothing more was heard for `debounce`, or after
    `longest_wait` where it does not fall silent.
    """

    on_news: bool = True
    debounce: Days = "0.25 seconds"
    longest_wait: Days = "10 seconds"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.longest < self.quiet:
            raise ValueError(f"longest_wait '{self.longest_wait}' is less than debounce")
        return self

    @property
    def quiet(self) -> timedelta:
        """How long a unit is silent before its questions are updated."""
        return _duration(self.debounce)

    @property
    def longest(self) -> timedelta:
        """How long news waits at most."""
        return _duration(self.longest_wait)


def _duration(words: str) -> timedelta:
    return timedelta(days=parse_days(words))
