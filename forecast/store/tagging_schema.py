"""The tables of tagging: what was read, what was found in it, and what people said of that."""

from sqlalchemy import Column, Index, Table, UniqueConstraint

from forecast.candidate import Status
from forecast.store.columns import count, instant, metadata, number, row_id, text
from forecast.store.types import Json, Names, Word

tagged_article = Table(
    "tagged_article",
    metadata,
    row_id(),
    text("article_id"),
    text("source"),
    text("url"),
    instant("known_at"),
    count("found"),
    instant("recorded_at"),
    UniqueConstraint("article_id", name="tagged_article_once"),
)

candidate = Table(
    "candidate",
    metadata,
    row_id(),
    text("candidate_id"),
    text("article_id"),
    text("rule_id"),
    text("unit"),
    text("tag"),
    number("value"),
    number("score"),
    instant("occurred_at"),
    instant("known_at"),
    text("sentence"),
    count("sentence_start"),
    Column("spans", Json, nullable=False),
    Column("reasons", Names, nullable=False),
    text("source"),
    text("origin"),
    text("url"),
    text("title"),
    text("reliability"),
    count("credibility"),
    text("statement"),
    Column("sketch", Json, nullable=False),
    text("copy_of"),
    Column("status", Word(Status), nullable=False),
    instant("recorded_at"),
    UniqueConstraint("candidate_id", name="candidate_once"),
    Index("candidate_of_status", "status", "row_id"),
    Index("candidate_of_tag", "unit", "tag", "known_at"),
    Index("candidate_of_rule", "rule_id", "status"),
)

judgement = Table(
    "judgement",
    metadata,
    row_id(),
    text("candidate_id"),
    Column("status", Word(Status), nullable=False),
    text("author"),
    text("reason"),
    instant("at"),
    text("unit"),
    text("tag"),
    number("value"),
    instant("occurred_at"),
    instant("recorded_at"),
    Index("judgement_of_candidate", "candidate_id", "row_id"),
)
