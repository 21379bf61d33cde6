"""Messages and the channels they go to: what was sent, tried and given up."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from forecast.alert import ChannelState, Delivery
from forecast.requests import Name
from forecast.store import Attempt
from forecast.web.desk import TheDesk
from forecast.web.paging import Items, Span, items
from forecast.web.problems import ProblemError

router = APIRouter(tags=["deliveries"])


class DeliveriesQuery(Span):
    """Which deliveries: of a status, to a channel, made in a span of time."""

    status: Literal["due", "sending", "delivered", "dead"] | None = None
    channel: Name | None = None


class DeliveryHistory(BaseModel):
    """A delivery, every attempt to send it, and the notices that it tells, by their ids."""

    delivery: Delivery
    attempts: list[Attempt]
    notices: list[str]


class Channel(BaseModel):
    """A channel of watch.toml, and how it fares where anything is known of it; no address."""

    id: str
    kind: str
    state: ChannelState | None


class Channels(BaseModel):
    """All channels of watch.toml."""

    items: list[Channel]


@router.get("/deliveries", response_model=Items[Delivery])
def deliveries(
    desk: TheDesk, request: Request, response: Response, query: Annotated[DeliveriesQuery, Query()]
) -> Any:
    """Messages, the last that was made first; since <= created_at < until."""
    page = desk.store.pages.of(
        *("deliveries", query.limit, query.after(), query.since, query.until),
        status=query.status,
        channel=query.channel,
    )
    return items(request, response, page)


@router.get("/deliveries/{delivery}", response_model=DeliveryHistory)
def delivery(desk: TheDesk, delivery: Name) -> Any:
    """One message with every attempt to send it; its id may be shortened."""
    found = desk.store.deliveries_named(delivery)
    if not found or (len(found) > 1 and found[0].delivery_id != delivery):
        words = "several deliveries begin with" if found else "there is no delivery"
        raise ProblemError(404, f"{words} '{delivery}'", code="usage")
    one = found[0]
    told = desk.store.alerts.notices_in(one.delivery_id)
    return {
        "delivery": asdict(one),
        "attempts": desk.store.attempts(one.delivery_id),
        "notices": [each.notice.notice_id for each in told],
    }


@router.get("/channels", response_model=Channels)
def channels(desk: TheDesk) -> Any:
    """Where alerts go, and whether it works."""
    states = desk.store.alerts.channel_states()
    tables = desk.config().channels
    return {"items": [{"id": t.id, "kind": t.kind, "state": states.get(t.id)} for t in tables]}
