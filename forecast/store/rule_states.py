"""Where rules stand, and their changes of mind.

Transitions are only ever added. Of the states of a rule on a subject the newest is kept: rules
are evaluated at every update, for years, and what changed is told by the transitions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from itertools import batched
from typing import Any

from sqlalchemy import Connection, Select, Text, bindparam, exists, func, or_, select

from forecast.alert import RuleState, State, Transition
from forecast.errors import ConflictError
from forecast.store import alert_schema
from forecast.store.types import columns_of

type StateChange = tuple[RuleState | None, RuleState]

_STATE, _TRANSITION = alert_schema.rule_state, alert_schema.transition
MOST_SUBJECTS = 1000  # in one statement: SQLite binds 32,766 values at most
_STATES_LOCK = 7301  # any number that nobody else in the database locks
_STATE_FIELDS = [field.name for field in fields(RuleState)]
_TRANSITION_FIELDS = [field.name for field in fields(Transition)]
_RULES, _SUBJECTS = (bindparam(n, type_=Text(), expanding=True) for n in ("rules", "subjects"))


def _newest_states(*of: Any) -> Select[Any]:
    """The newest row of each rule on each subject, found in the index alone."""
    newest = select(func.max(_STATE.c.row_id)).where(*of)
    newest = newest.group_by(_STATE.c.subject, _STATE.c.rule_id)
    states = select(*[_STATE.c[name] for name in _STATE_FIELDS])
    return states.where(_STATE.c.row_id.in_(newest)).order_by(_STATE.c.rule_id, _STATE.c.subject)


# Built once: an update reads them for every track.
_ALL = _newest_states()
_ON_SUBJECTS = _newest_states(_STATE.c.subject.in_(_SUBJECTS))
_FOR_CLOCK = _ALL.where(or_(_STATE.c.state != State.OK, _STATE.c.rule_id.in_(_RULES)))
_OF_RULES = _newest_states(_STATE.c.subject.in_(_SUBJECTS), _STATE.c.rule_id.in_(_RULES))

_OF_PAIR = _TRANSITION.alias("of_pair")
_LAST = (  # one look into the index for each rule on each subject
    select(_OF_PAIR.c.row_id)
    .where(_OF_PAIR.c.subject == _STATE.c.subject, _OF_PAIR.c.rule_id == _STATE.c.rule_id)
    .order_by(_OF_PAIR.c.at.desc(), _OF_PAIR.c.row_id.desc())
    .limit(1)
    .scalar_subquery()
)
_LAST_TOLD = select(*[_TRANSITION.c[name] for name in _TRANSITION_FIELDS]).where(
    _TRANSITION.c.row_id.in_(
        select(_LAST).where(_STATE.c.subject.in_(_SUBJECTS), _STATE.c.rule_id.in_(_RULES))
    )
)

_LATER = _STATE.alias("later")
_PASSED = _STATE.delete().where(
    _STATE.c.subject == bindparam("of_subject"),
    _STATE.c.rule_id == bindparam("of_rule"),
    # the new row is in by now: on SQLite a number that is given up may be given again
    exists().where(
        _LATER.c.subject == _STATE.c.subject,
        _LATER.c.rule_id == _STATE.c.rule_id,
        _LATER.c.row_id > _STATE.c.row_id,
    ),
)


def add_rule_states(
    connection: Connection, states: Iterable[StateChange], recorded_at: datetime
) -> None:
    """Put the new states of rules in the place of those that stood.

    Each comes with the state it was decided from; ConflictError where that is no longer the
    newest, because another process decided in between.
    """
    states = list(states)
    if states and connection.dialect.name == "postgresql":  # reading and adding as one
        connection.execute(select(func.pg_advisory_xact_lock(_STATES_LOCK)))
    subjects = {after.subject for _, after in states}
    stands = {(s.rule_id, s.subject): s for s in rule_states(connection, sorted(subjects))}
    for before, after in states:
        if stands.get((after.rule_id, after.subject)) != before:
            raise ConflictError(
                f"rule '{after.rule_id}' on '{after.subject}' was decided by another process"
            )
    rows = [columns_of(after) | {"recorded_at": recorded_at} for _, after in states]
    if rows:
        connection.execute(_STATE.insert(), rows)
    passed = [
        {"of_subject": after.subject, "of_rule": after.rule_id}
        for before, after in states
        if before is not None
    ]
    if passed:
        connection.execute(_PASSED, passed)


def add_transitions(
    connection: Connection, transitions: Iterable[Transition], recorded_at: datetime
) -> None:
    """Add changes of mind."""
    rows = [columns_of(transition) | {"recorded_at": recorded_at} for transition in transitions]
    if rows:
        connection.execute(_TRANSITION.insert(), rows)


def rule_state(connection: Connection, rule_id: str, subject: str) -> RuleState | None:
    """Where a rule stands on a subject; None before its first evaluation."""
    found = states_of(connection, [rule_id], [subject])
    return found[0] if found else None


def rule_states(connection: Connection, subjects: Sequence[str] | None) -> list[RuleState]:
    """Where every rule stands on every subject, or on some, that it has been evaluated on."""
    if subjects is None:
        return [RuleState(*row) for row in connection.execute(_ALL)]
    return [
        RuleState(*row)
        for some in batched(subjects, MOST_SUBJECTS)
        for row in connection.execute(_ON_SUBJECTS, {"subjects": some})
    ]


def for_clock(connection: Connection, rule_ids: Sequence[str]) -> list[RuleState]:
    """Where some rules stand on every subject, and all rules that do not stand at OK."""
    found = connection.execute(_FOR_CLOCK, {"rules": list(rule_ids)})
    return [RuleState(*row) for row in found]


def states_of(
    connection: Connection, rule_ids: Sequence[str], subjects: Sequence[str]
) -> list[RuleState]:
    """Where some rules stand on some subjects."""
    return [
        RuleState(*row)
        for some in batched(subjects, MOST_SUBJECTS)
        for row in connection.execute(_OF_RULES, {"subjects": some, "rules": rule_ids})
    ]


def last_transitions(
    connection: Connection, of: Sequence[RuleState]
) -> dict[tuple[str, str], Transition]:
    """The last change of mind of some rules on some subjects, by (rule, subject)."""
    found = {}
    for some in batched(of, MOST_SUBJECTS):
        asked = {"subjects": [s.subject for s in some], "rules": list({s.rule_id for s in some})}
        for row in connection.execute(_LAST_TOLD, asked):
            told = Transition(*row)
            found[told.rule_id, told.subject] = told
    wanted = {(state.rule_id, state.subject) for state in of}
    return {pair: told for pair, told in found.items() if pair in wanted}


def transitions(
    connection: Connection, subject: str | None, rule_id: str | None
) -> list[Transition]:
    """Changes of mind in the order in which they happened."""
    columns = _TRANSITION.c
    query = select(*[columns[name] for name in _TRANSITION_FIELDS])
    for column, wanted in ((columns.subject, subject), (columns.rule_id, rule_id)):
        if wanted is not None:
            query = query.where(column == wanted)
    return [
        Transition(*row) for row in connection.execute(query.order_by(columns.at, columns.row_id))
    ]
