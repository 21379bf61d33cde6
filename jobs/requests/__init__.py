"""What was asked for through the API, done by the same functions that the commands call."""

from jobs.requests.answering import answer_due

__all__ = ["answer_due"]
