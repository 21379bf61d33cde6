"""The tables of facts and answers, which are only ever added to; `run` is a queue and changes.

`row_id` counts rows in the order in which they were recorded: of two versions of one fact
the later row wins. `digest` is of a fact's content as it was stated.
"""

from sqlalchemy import Column, Float, Index, LargeBinary, Table, Text, UniqueConstraint

from forecast.audit import Verdict
from forecast.estimate import Health
from forecast.evidence import CoverageState, Outcome
from forecast.store.columns import count, flag, instant, metadata, number, row_id, text
from forecast.store.types import Json, Names, UtcInstant, Word

report = Table(
    "report",
    metadata,
    row_id(),
    text("report_id"),
    text("unit"),
    text("tag"),
    instant("occurred_at"),
    instant("known_at"),
    text("incident_id"),
    number("value"),
    text("source"),
    text("origin"),
    text("reliability"),
    count("credibility"),
    text("url"),
    text("summary"),
    flag("retracted"),
    text("digest"),
    instant("recorded_at"),
    UniqueConstraint("report_id", "digest", name="report_once"),
    Index("report_at_unit", "unit", "known_at"),
    Index("report_known", "known_at"),
)

event = Table(
    "event",
    metadata,
    row_id(),
    text("event_id"),
    text("unit"),
    text("definition"),
    instant("occurred_at"),
    instant("known_at"),
    text("summary"),
    text("url"),
    flag("retracted"),
    text("digest"),
    instant("recorded_at"),
    UniqueConstraint("event_id", "digest", name="event_once"),
    Index("event_at_unit", "unit", "known_at"),
)

assignment = Table(
    "assignment",
    metadata,
    row_id(),
    text("report_id"),
    text("incident_id"),
    instant("known_at"),
    text("author"),
    text("reason"),
    text("digest"),
    instant("recorded_at"),
    Index("assignment_of_report", "report_id"),
)

coverage = Table(
    "coverage",
    metadata,
    row_id(),
    text("coverage_id"),
    text("unit"),
    Column("state", Word(CoverageState), nullable=False),
    instant("since"),
    instant("until", optional=True),
    instant("known_at"),
    text("tags"),
    text("note"),
    instant("until_known_at", optional=True),
    flag("retracted"),
    text("digest"),
    instant("recorded_at"),
    UniqueConstraint("coverage_id", "digest", name="coverage_once"),
    Index("coverage_at_unit", "unit", "known_at"),
)

question = Table(
    "question",
    metadata,
    row_id(),
    text("question_id"),
    text("title"),
    text("unit"),
    text("definition"),
    instant("opens_at"),
    instant("deadline"),
    text("resolution_criteria"),
    text("notes"),
    count("at_least"),
    text("digest"),
    instant("recorded_at"),
    Index("question_version", "question_id", "row_id"),
    Index("question_at_unit", "unit"),
)

resolution = Table(
    "resolution",
    metadata,
    row_id(),
    text("question_id"),
    Column("outcome", Word(Outcome), nullable=False),
    instant("known_at"),
    text("reason"),
    Column("events", Names, nullable=False),
    text("author"),
    flag("retracted"),
    text("digest"),
    instant("recorded_at"),
    UniqueConstraint("question_id", "digest", name="resolution_once"),
)

crowd = Table(
    "crowd",
    metadata,
    row_id(),
    text("question_id"),
    instant("at"),
    number("probability"),
    text("source"),
    text("url"),
    text("note"),
    instant("known_at"),
    text("digest"),
    instant("recorded_at"),
    UniqueConstraint("question_id", "digest", name="crowd_once"),
)

quarantine = Table(
    "quarantine",
    metadata,
    row_id(),
    text("file"),
    count("line"),
    text("reason"),
    text("text"),
    text("digest"),
    instant("recorded_at"),
    UniqueConstraint("digest", name="quarantine_once"),
)

prior_version = Table(
    "prior_version",
    metadata,
    row_id(),
    text("definition"),
    count("version"),
    instant("at"),
    text("author"),
    text("reason"),
    Column("words", Json, nullable=False),
    UniqueConstraint("definition", "version", name="prior_version_once"),
)

estimate = Table(
    "estimate",
    metadata,
    row_id(),
    text("question_id"),
    instant("as_of"),
    number("probability"),
    number("lower"),
    number("upper"),
    number("mass"),
    number("mcse"),
    Column("health", Word(Health), nullable=False),
    text("model"),
    text("model_hash"),
    text("method"),
    text("inputs_digest"),
    text("reason"),
    count("prior_version"),
    Column("diagnostics", Json, nullable=False),
    Column("curve", Json, nullable=False),
    Column("contributions", Json, nullable=False),
    Column("moved", Json),
    Column("expected_count", Float(53)),
    Column("at_least", Json, nullable=False),
    Column("couplings", Json, nullable=False),
    Column("escalation", Json, nullable=False),
    Column("findings", Json, nullable=False),
    Column("quantiles", Json, nullable=False),
    text("certificate"),
    instant("recorded_at"),
    UniqueConstraint("question_id", "as_of", "inputs_digest", name="estimate_once"),
)

model_state = Table(
    "model_state",
    metadata,
    row_id(),
    text("key"),
    instant("as_of"),
    Column("blob", LargeBinary, nullable=False),
    instant("recorded_at"),
    Index("model_state_of_key", "key", "as_of"),
)

audit = Table(
    "audit",
    metadata,
    row_id(),
    text("track"),
    text("question_id"),
    instant("as_of"),
    number("p_fast"),
    text("method"),
    Column("p_nuts", Float(53)),
    Column("mcse", Float(53)),
    Column("z", Float(53)),
    Column("verdict", Word(Verdict), nullable=False),
    text("reason"),
    Column("diagnostics", Json, nullable=False),
    instant("recorded_at"),
    Index("audit_of_track", "track", "as_of"),
    Index("audit_of_question", "question_id", "as_of"),
)

backtest = Table(
    "backtest",
    metadata,
    row_id(),
    text("run_id"),
    instant("made_at"),
    text("task"),
    text("digest"),
    Column("result", Json, nullable=False),
    Column("forecasts", LargeBinary, nullable=False),
    UniqueConstraint("run_id", name="backtest_once"),
    Index("backtest_of_task", "task", "made_at"),
)

backtest_part = Table(
    "backtest_part",
    metadata,
    row_id(),
    text("digest"),
    count("block"),
    Column("blob", LargeBinary, nullable=False),
    instant("recorded_at"),
    UniqueConstraint("digest", "block", name="backtest_part_once"),
)

run = Table(
    "run",
    metadata,
    Column("schedule_id", Text, primary_key=True),
    Column("slot", UtcInstant, primary_key=True),
    text("owner"),
    text("status"),
    text("detail"),
    count("missed"),
    count("attempts"),
    instant("started_at"),
    instant("lease_until"),
    instant("finished_at", optional=True),
    Index("run_started", "started_at"),
    Index("run_unfinished", "status", "lease_until"),
)
