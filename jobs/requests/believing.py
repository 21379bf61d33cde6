"""Requests that change what is believed: watch.toml is edited, and the change goes on record."""

from forecast.prior import PriorVersion
from forecast.requests import SetPrior
from jobs.app import App
from jobs.priors import definition_named
from jobs.requests.act import Act, Result
from jobs.retune import adopt, edit_for, plan_change


def set_prior(app: App, asked: SetPrior, act: Act) -> Result:
    """New words for one belief, in the file and on record under who asked."""
    definition = definition_named(app, asked.definition)
    change = plan_change(app.config, definition, asked.key, asked.words)
    last = app.store.latest_prior(change.root)
    if act.again and last and last.at == act.now and last.author == act.author:
        return _version(last)
    edit = edit_for(app.watch.folder, change.root, [change])
    return _version(adopt(app, edit, change.root, act.now, asked.reason, act.author))


def _version(version: PriorVersion) -> Result:
    return {"definition": version.definition, "version": version.version}
