"""/badges/ID.svg: how likely a question is, as a small picture in other people's pages."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forecast.alert import ALARMED
from forecast.estimate import Health
from forecast.reports.badge import Badge, badge_svg
from forecast.reports.phrases import points
from forecast.store.overview import Glance
from forecast.web.desk import TheDesk
from forecast.web.embedding import embedded, is_shown, nothing

router = APIRouter()


@router.get("/badges/{question:path}.svg", include_in_schema=False)
def badge(desk: TheDesk, request: Request, question: str) -> Response:
    """The picture; of a question that is not open to who asks there is nothing."""
    config = desk.config()
    if not is_shown(request, question, config.web.public_badges):
        raise nothing()
    found = desk.store.overview.glances([question])
    if not found:
        raise nothing()
    watching = {rule.rule_id for rule in config.lines_for(found[0].question)}
    states = desk.store.alerts.states([question])
    is_firing = any(s.state in ALARMED and s.rule_id in watching for s in states)
    svg = badge_svg(_badge(found[0], is_firing=is_firing))
    return embedded(request, svg, "image/svg+xml")


def _badge(glance: Glance, *, is_firing: bool) -> Badge:
    """The badge of a question of which no more was read than a list shows."""
    newest, before = glance.newest, glance.week_ago
    return Badge(
        title=glance.question.title,
        probability=newest.probability if newest else None,
        moved=points(before, newest.probability) if newest and before is not None else None,
        is_firing=is_firing,
        is_held=newest is not None and newest.health is not Health.HEALTHY,
        outcome=glance.outcome.value if glance.outcome else "",
    )
