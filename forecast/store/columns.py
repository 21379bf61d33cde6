"""The kinds of columns that tables are made of, and what holds all tables."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, MetaData, Text

from forecast.store.types import UtcInstant

metadata = MetaData()


def row_id() -> Column[int]:
    return Column("row_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def number(name: str) -> Column[float]:
    return Column(name, Float(53), nullable=False)


def count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def instant(name: str, *, optional: bool = False) -> Column[object]:
    return Column(name, UtcInstant, nullable=optional)
