"""Schemathesis against the API: whatever is sent, no 5xx, and nothing that the schema denies.

Left out: that all that fits the schema is accepted, for what the desk knows is not in a schema;
and that a query which is no string is refused, for on its way it becomes one.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from forecast.store import open_store
from tests.conftest import NewUrl
from tests.forecast.web.api_desk import NOW, ApiDesk, a_question
from tests.forecast.web.test_reading import fill

EXAMPLES = 3  # of each operation, of what fits the schema and of what does not
ALIVE = ("/healthz", "/readyz")


@pytest.fixture(scope="module")
def desk(new_sqlite_url: NewUrl) -> Iterator[ApiDesk]:
    with open_store(new_sqlite_url()) as store:
        fill(store)
        store.add_questions([a_question(question_id="0")], NOW)
        desk = ApiDesk(store)
        desk.app.state.wrong_tokens.most = 1_000_000  # it sends wrong ones on purpose
        yield desk


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_nothing_that_is_sent_fails_or_is_answered_otherwise_than_is_said(
    desk: ApiDesk, mode: GenerationMode
) -> None:
    headers = {"Authorization": f"Bearer {desk.secrets['admin']}"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", desk.app, headers=headers)
    found: list[Any] = list(schema.get_all_operations())
    operations = [result.ok() for result in found]
    if mode is GenerationMode.NEGATIVE:  # some take nothing that could be wrong
        operations = [operation for operation in operations if operation.path not in ALIVE]
    assert sum(_sent_to(operation, mode, headers) for operation in operations) > EXAMPLES * 50


def _sent_to(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> int:
    """How many requests one operation was sent, all of them answered as it says."""
    seen = 0
    left_out: list[Any] = [positive_data_acceptance]
    if operation.method.upper() == "GET":
        left_out.append(negative_data_rejection)

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Case[Any]) -> None:
        nonlocal seen
        seen += 1
        case.validate_response(case.call(headers=headers), excluded_checks=left_out)

    check()
    return seen
