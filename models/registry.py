"""Families of models by name, found through entry points of the group `tocsin.models`."""

from functools import lru_cache
from importlib.metadata import entry_points

from forecast.errors import ConfigError
from forecast.names import did_you_mean
from models.api import EventModel

GROUP = "tocsin.models"


@lru_cache(maxsize=16)
def family(name: str) -> EventModel:
    """The family registered as `name`, made once a process; ConfigError where there is none."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        raise ConfigError(f"no model family '{name}'" + did_you_mean(name, found))
    try:
        model: EventModel = found[name].load()()
    except Exception as error:
        raise ConfigError(f"the model family '{name}' does not load: {error}") from error
    return model
