"""The table `pool` of a definition: whose numbers the family `pool` stacks into one."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from forecast.alert_tables import Table
from forecast.fields import PositiveDays
from forecast.names import did_you_mean

POOL = "pool"

type Weight = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class PoolTable(Table):
    """The members of a pool, and how much each counts before it has a record.

    `crowd` is true for every source of crowd forecasts as a member of its own, false for none,
    or shell patterns of sources, each of which is one member. What a source said longer ago
    than `stale_after` does not count. `weights` are relative, 1 where not stated, of families
    and of sources or patterns.
    """

    families: list[str] = Field(default=["hazard", "regime"], min_length=1)
    crowd: bool | list[str] = True
    stale_after: PositiveDays = "30 days"
    weights: dict[str, Weight] = Field(default={})

    @field_validator("families")
    @classmethod
    def _are_others(cls, value: list[str]) -> list[str]:
        if POOL in value:
            raise ValueError(f"'{POOL}' cannot be a member of itself")
        if len(set(value)) < len(value):
            raise ValueError("a family is named twice")
        return value

    @field_validator("weights")
    @classmethod
    def _are_of_members(cls, value: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        crowd = info.data.get("crowd", True)
        if crowd is True:  # any source may turn up
            return value
        members = [*info.data.get("families", ()), *(crowd or ())]
        for name in value:
            if name not in members:
                raise ValueError(f"'{name}' is not a member{did_you_mean(name, members)}")
        return value
