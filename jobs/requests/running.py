"""Requests that something runs, or does not: updates, schedules, sources."""

from forecast import requests
from forecast.clock import format_instant
from forecast.digest_table import PREFIX
from forecast.errors import HeldError, OutsideError, UsageError
from forecast.estimate import Health
from forecast.names import did_you_mean
from forecast.source_table import SourceTable
from jobs import schedules
from jobs.app import App
from jobs.audit import Audited
from jobs.decisions import Occasion, Updated
from jobs.digests import send_now
from jobs.requests.act import Act, Result


def update(app: App, asked: requests.Update, act: Act) -> Result:
    """Estimate the open questions that fit, now."""
    from jobs.ringing import ring
    from jobs.update import update_questions

    questions = app.store.questions(asked.questions)
    if not questions:
        raise UsageError(f"no question fits {' or '.join(asked.questions)}")
    now = act.clock()
    updated = update_questions(app, questions, now, Occasion(now))
    ring(app, now)
    return _updated(updated) | {"as_of": format_instant(now)}


def run_schedule(app: App, asked: requests.OfSchedule, act: Act) -> Result:
    """Run a schedule as a slot of its own, now; of a digest, send it."""
    if asked.schedule.startswith(PREFIX):
        sent = send_now(app, asked.schedule.removeprefix(PREFIX), lambda: act.now)
        return {"channels": list(sent.channels)}
    done = schedules.run_now(app, asked.schedule, act.clock)
    if isinstance(done, Audited):
        return {"audits": len(done.audits), "failures": [str(one) for one in done.failures]}
    return _updated(done)


def pause_schedule(app: App, asked: requests.OfSchedule, act: Act) -> Result:
    """Have a schedule wait until it is resumed."""
    return _switched(app, asked, act, paused=True)


def resume_schedule(app: App, asked: requests.OfSchedule, act: Act) -> Result:
    """Have a schedule go on."""
    return _switched(app, asked, act, paused=False)


def pull_source(app: App, asked: requests.OfSource, act: Act) -> Result:
    """Ask a source now."""
    from jobs.sources.pull import pull_one

    table = _source(app, asked.source)
    done = pull_one(app, table, act.clock, act.owner, early=True)
    if done is None:
        raise HeldError("it is switched off, or another process is asking it", at=table.id)
    if done.failure:
        raise OutsideError(done.failure, at=table.id)
    brought = done.brought
    return {"source": table.id, "new": brought.new, "corrected": brought.corrected}


def pause_source(app: App, asked: requests.OfSource, act: Act) -> Result:
    """Ask a source no more until it is resumed."""
    return _turned(app, asked, act, is_off=True)


def resume_source(app: App, asked: requests.OfSource, act: Act) -> Result:
    """Ask a source again."""
    return _turned(app, asked, act, is_off=False)


def _updated(updated: Updated) -> Result:
    doubtful = [e.question_id for e in updated.estimates if e.health is not Health.HEALTHY]
    return {
        "estimates": len(updated.estimates),
        "doubtful": doubtful[:100],
        "resolved": len(updated.resolutions),
        "failures": [str(failure) for failure in updated.failures[:100]],
    }


def _switched(app: App, asked: requests.OfSchedule, act: Act, *, paused: bool) -> Result:
    changed = schedules.switch(
        app, asked.schedule, act.author, asked.reason, act.now, paused=paused
    )
    return {"schedule": asked.schedule, "paused": paused, "changed": changed or act.again}


def _turned(app: App, asked: requests.OfSource, act: Act, *, is_off: bool) -> Result:
    table = _source(app, asked.source)
    app.store.sources.switch(
        table.id, act.now, is_off=is_off, author=act.author, reason=asked.reason
    )
    return {"source": table.id, "is_off": is_off}


def _source(app: App, source_id: str) -> SourceTable:
    tables = {table.id: table for table in app.config.sources}
    if source_id not in tables:
        raise UsageError(
            f"there is no source '{source_id}' in watch.toml{did_you_mean(source_id, tables)}"
        )
    return tables[source_id]
