"""Texts to reports: rule packs find statements, people confirm them, and they are remembered."""

from jobs.tagging.intake import Taken, take_in
from jobs.tagging.loading import tagger_of
from jobs.tagging.tagger import Tagger

__all__ = ["Tagger", "Taken", "tagger_of", "take_in"]
