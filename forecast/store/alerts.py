"""The alerting half of the store: what is to be told, to whom, and what people say of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from forecast.alert import (
    Acknowledgement,
    ChannelState,
    Delivery,
    Notice,
    RuleState,
    Silence,
    Transition,
)
from forecast.question import Question
from forecast.store import notices, outbox, reading, rule_states, silences
from forecast.store.database import Database
from forecast.store.notices import Episode, Told


class Alerts:
    """`store.alerts`; every method is one transaction, as of the store itself."""

    def __init__(self, database: Database) -> None:
        self._read, self._write = database.read, database.write

    def state(self, rule_id: str, subject: str) -> RuleState | None:
        """Where a rule stands on a subject; None before its first evaluation."""
        return self._read(rule_states.rule_state, rule_id, subject)

    def states(self, subjects: Sequence[str] | None = None) -> list[RuleState]:
        """Where every rule stands on every subject, or on some, that it was evaluated on."""
        return self._read(rule_states.rule_states, subjects)

    def states_for_clock(self, rule_ids: Iterable[str]) -> list[RuleState]:
        """Where some rules stand on every subject, and all rules that do not stand at OK.

        Of the many that nothing is wrong with, only those are read that the clock decides.
        """
        return self._read(rule_states.for_clock, list(rule_ids))

    def transitions(
        self, subject: str | None = None, rule_id: str | None = None
    ) -> list[Transition]:
        """Changes of mind in the order in which they happened."""
        return self._read(rule_states.transitions, subject, rule_id)

    def last_transitions(self, of: Iterable[RuleState]) -> dict[tuple[str, str], Transition]:
        """The last change of mind of some rules on some subjects, by (rule, subject)."""
        return self._read(rule_states.last_transitions, list(of))

    def states_of(self, rule_ids: Iterable[str], subjects: Iterable[str]) -> list[RuleState]:
        """Where some rules stand on some subjects."""
        return self._read(rule_states.states_of, list(rule_ids), list(subjects))

    def questions_among(self, subjects: Iterable[str]) -> dict[str, Question]:
        """The questions among some subjects, by id; the others are units and channels."""
        return self._read(reading.questions_named, subjects)

    # What is to be told

    def waiting(self, *, light: bool = False) -> list[Notice]:
        """Every notice that is still to be told, in the order in which they were recorded.

        `light` leaves the facts out: thousands may wait for a morning.
        """
        return self._read(notices.waiting, light=light)

    def notices_named(self, notice_ids: Iterable[str]) -> list[Notice]:
        """Some notices, whole, in the order in which they were recorded."""
        return self._read(notices.named, notice_ids)

    def notices_of(self, episodes: Iterable[Episode], *, light: bool = False) -> list[Told]:
        """All notices of some episodes (rule, subject, number), oldest first; as `waiting`."""
        return self._read(notices.of_episodes, list(episodes), light=light)

    def open_episodes(self, rule_ids: Iterable[str]) -> list[Episode]:
        """Of some rules on each subject the last episode, where no end of it is to be told."""
        return self._read(notices.open_episodes, list(rule_ids))

    def notices_in(self, delivery_id: str) -> list[Told]:
        """The notices that one delivery tells."""
        return self._read(notices.of_delivery, delivery_id)

    def undelivered(self) -> set[tuple[str, str, str]]:
        """(channel, rule, subject) of which a delivery is still to be sent."""
        return self._read(notices.undelivered)

    def made_since(self, since: datetime) -> list[tuple[str, datetime]]:
        """(channel, created_at) of the deliveries made at or after `since`, oldest first."""
        return self._read(outbox.made_since, since)

    def form(
        self,
        formed: Sequence[tuple[Delivery, Sequence[str]]],
        withheld: Sequence[tuple[str, str]],
        at: datetime,
    ) -> None:
        """Turn waiting notices into deliveries, (delivery, notice ids), or withhold them.

        `withheld` are (notice id, reason). ConflictError, and nothing written, where one of
        them waits no longer.
        """
        self._write(notices.form, formed, withheld, at)

    def reopen_ends(self) -> int:
        """Have those ends wait again whose firing was given up, and then sent after all."""
        ids = self._read(notices.ends_left_out)
        if ids:
            self._write(notices.reopen, ids)
        return len(ids)

    # What people say

    def add_silence(self, silence: Silence, recorded_at: datetime) -> None:
        """Add a silence, or end or change one by another row with its id."""
        self._write(silences.add_silence, silence, recorded_at)

    def silences(self, until: datetime | None = None) -> list[Silence]:
        """All silences as they stand; with `until`, those that end later than that."""
        return self._read(silences.silences, until)

    def acknowledge(self, acknowledgement: Acknowledgement, told: Iterable[Notice] = ()) -> bool:
        """Whether it is the first of its episode; if so `told` is added to what is to be told."""
        told = list(told)

        def work(connection: Connection) -> bool:
            is_first = silences.acknowledge(connection, acknowledgement)
            if is_first:
                notices.add(connection, told)
            return is_first

        return self._write(work)

    def acknowledgements(self, episodes: Iterable[Episode] | None = None) -> list[Acknowledgement]:
        """All acknowledgements, or those of some episodes, oldest first."""
        wanted = None if episodes is None else list(episodes)
        return self._read(silences.acknowledgements, wanted)

    # How channels fare

    def add_channel_state(self, state: ChannelState, recorded_at: datetime) -> None:
        """Add how a channel fares from now on."""
        self._write(silences.add_channel_state, state, recorded_at)

    def channel_states(self) -> dict[str, ChannelState]:
        """How each channel fares of which anything is known."""
        return self._read(silences.channel_states)
