"""What is to be rung now: what the clock decides, reminders, and messages formed of it all."""

from datetime import datetime

from forecast.alert import Delivery
from jobs.app import App
from jobs.notify import form_due
from jobs.reminders import remind
from jobs.sweep import sweep


def ring(app: App, now: datetime) -> list[Delivery]:
    """Everything up to the outbox, which is emptied by `alerts.outbox.drain`."""
    sweep(app, now)
    remind(app, now)
    return form_due(app, now)
