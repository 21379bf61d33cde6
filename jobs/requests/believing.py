"""Requests that change what is believed: watch.toml is edited, and the change goes on record."""

from dataclasses import replace

from forecast.prior import PriorVersion
from forecast.requests import SetPrior
from jobs.app import App
from jobs.prior_ledger import settle_prior
from jobs.priors import definition_named
from jobs.requests.act import Act, Result
from jobs.retune import edit_for, plan_change
from jobs.watch_file import Edit


def set_prior(app: App, asked: SetPrior, act: Act) -> Result:
    """New words for one belief, in the file and on record under who asked."""
    definition = definition_named(app, asked.definition)
    change = plan_change(app.config, definition, asked.key, asked.words)
    last = app.store.latest_prior(change.root)
    if act.again and last and last.at == act.now and last.author == act.author:
        return _version(last)
    edit = edit_for(app.watch.folder, change)
    return _version(_adopt(app, edit, change.root, asked.reason, act))


def _adopt(app: App, edit: Edit, root: str, reason: str, act: Act) -> PriorVersion:
    if not act.again:
        settle_prior(app, root, act.now)  # what stood before, where nothing was on record
    edit.save()
    adopted = replace(app, watch=replace(app.watch, config=edit.config))
    return settle_prior(adopted, root, act.now, author=act.author, reason=reason)


def _version(version: PriorVersion) -> Result:
    return {"definition": version.definition, "version": version.version}
