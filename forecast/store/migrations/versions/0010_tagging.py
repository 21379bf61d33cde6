"""Candidates that the tagger found, and what people said of them."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Integer, Text, UniqueConstraint

from forecast.store.types import UtcInstant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing of it was kept before."""
    _tagged_article()
    _candidate()
    _judgement()


def _tagged_article() -> None:
    op.create_table(
        "tagged_article",
        _row_id(),
        _text("article_id"),
        _text("source"),
        _text("url"),
        _instant("known_at"),
        _count("found"),
        _instant("recorded_at"),
        UniqueConstraint("article_id", name="tagged_article_once"),
    )


def _candidate() -> None:
    op.create_table(
        "candidate",
        _row_id(),
        _text("candidate_id"),
        _text("article_id"),
        _text("rule_id"),
        _text("unit"),
        _text("tag"),
        _number("value"),
        _number("score"),
        _instant("occurred_at"),
        _instant("known_at"),
        _text("sentence"),
        _count("sentence_start"),
        _text("spans"),
        _text("reasons"),
        _text("source"),
        _text("origin"),
        _text("url"),
        _text("title"),
        _text("reliability"),
        _count("credibility"),
        _text("statement"),
        _text("sketch"),
        _text("copy_of"),
        _text("status"),
        _instant("recorded_at"),
        UniqueConstraint("candidate_id", name="candidate_once"),
    )
    op.create_index("candidate_of_status", "candidate", ["status", "row_id"])
    op.create_index("candidate_of_tag", "candidate", ["unit", "tag", "known_at"])
    op.create_index("candidate_of_rule", "candidate", ["rule_id", "status"])


def _judgement() -> None:
    op.create_table(
        "judgement",
        _row_id(),
        _text("candidate_id"),
        _text("status"),
        _text("author"),
        _text("reason"),
        _instant("at"),
        _text("unit"),
        _text("tag"),
        _number("value"),
        _instant("occurred_at"),
        _instant("recorded_at"),
    )
    op.create_index("judgement_of_candidate", "judgement", ["candidate_id", "row_id"])


def _row_id() -> Column[int]:
    return Column("row_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _number(name: str) -> Column[float]:
    return Column(name, Float(53), nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _instant(name: str) -> Column[object]:
    return Column(name, UtcInstant, nullable=False)
