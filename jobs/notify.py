"""What is to be told, formed into the messages that go out now."""

from datetime import datetime

from alerts.forming import form
from forecast.alert import Delivery
from forecast.errors import ConflictError
from jobs.app import App

TRIES = 5


def form_due(app: App, now: datetime) -> list[Delivery]:
    """Turn what waits into deliveries; again where another process was first with some of it."""
    for tries_left in reversed(range(TRIES)):
        formed = form(app.store.alerts.waiting(), now)
        if not formed.deliveries and not formed.withheld:
            return []
        try:
            app.store.alerts.form(formed.deliveries, formed.withheld, now)
        except ConflictError:
            if not tries_left:
                raise
        else:
            return [delivery for delivery, _ in formed.deliveries]
    raise AssertionError("unreachable")
