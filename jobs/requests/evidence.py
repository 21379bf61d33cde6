"""Requests about reports: which tell of one thing, and which of what was tagged are any."""

from collections.abc import Sequence

from forecast import requests
from forecast.candidate import Candidate
from forecast.evidence import Assignment
from jobs import incidents
from jobs.app import App
from jobs.requests.act import Act, Result
from jobs.tagging import judging


def join(app: App, asked: requests.Join, act: Act) -> Result:
    """Put reports into the incident of the first of them."""
    return _assigned(incidents.join(app, asked.reports, act.author, asked.reason, act.clock()))


def split(app: App, asked: requests.Split, act: Act) -> Result:
    """Take reports out of their incident, as one of their own."""
    return _assigned(incidents.split(app, asked.reports, act.author, asked.reason, act.clock()))


def confirm(app: App, asked: requests.ConfirmCandidate, act: Act) -> Result:
    """Take a candidate for true."""
    [one] = judging.confirm(app, [asked.candidate], act.author, act.now, asked.reason)
    return _judged(one)


def edit(app: App, asked: requests.EditCandidate, act: Act) -> Result:
    """Take a candidate for true, in other words."""
    mended = judging.Mended(asked.unit, asked.tag, asked.value, asked.occurred_at)
    return _judged(judging.edit(app, asked.candidate, mended, act.author, act.now, asked.reason))


def reject(app: App, asked: requests.RejectCandidate, act: Act) -> Result:
    """Take a candidate for untrue."""
    [one] = judging.reject(app, [asked.candidate], act.author, act.now, asked.reason)
    return _judged(one)


def _assigned(words: Sequence[Assignment]) -> Result:
    found = [{"report": word.report_id, "incident": word.incident_id} for word in words]
    return {"assignments": found}


def _judged(one: Candidate) -> Result:
    return {"candidate": one.candidate_id, "status": one.status.value}
