"""What is to be rung now, up to the outbox; and what is told again past it."""

from datetime import datetime

from alerts import refresh, registry
from forecast.alert import ChannelHealth, Delivery
from forecast.alert_tables import ChannelTable
from forecast.errors import ConfigError
from jobs.app import App
from jobs.notify import form_due
from jobs.reminders import remind
from jobs.sweep import sweep


def ring(app: App, now: datetime) -> list[Delivery]:
    """Decide what the clock decides, remind, and form messages of all that waits.

    They are sent by `alerts.outbox.drain`.
    """
    sweep(app, now)
    remind(app, now)
    return form_due(app, now)


def _forgets(table: ChannelTable) -> bool:
    """Whether its receivers forget; that its kind does not load is for `refresh` to say."""
    try:
        return registry.traits_of(registry.kind_of(table)).refresh is not None
    except ConfigError:
        return True


def refresh_channels(app: App, now: datetime) -> list[str]:
    """Tell what stands to the channels whose receivers forget; what went wrong, a line each."""
    states = app.store.alerts.channel_states()
    tables = [
        table
        for table in app.config.channels
        if _forgets(table)
        and (table.id not in states or states[table.id].health is not ChannelHealth.DISABLED)
    ]
    if not tables:
        return []
    rules = app.store.alerts.states()
    told = app.store.alerts.notices_of(refresh.episodes(rules, now))
    return refresh.refresh(told, rules, tables, now, folder=app.watch.folder)
