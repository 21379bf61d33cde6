"""What a service does for its workers: jobs that were lost are put back into the queue."""

from datetime import datetime, timedelta

from jobs.app import App


def tend(app: App, now: datetime, lease: timedelta) -> int:
    """Put back the jobs of silent workers, and parts that have none; how many they were.

    The ledger lets nobody have a part before its lease is over, so a worker is given as long.
    One process at a time does this; nothing is to be done on SQLite, which has no queue.
    """
    ledger = app.store.ledger
    if not ledger.is_shared:
        return 0
    put_back = ledger.put_back(now)
    if put_back is None:
        return 0
    from jobs.workers.taking import retry_stalled

    return put_back + retry_stalled(ledger.queue_address, lease, now)
