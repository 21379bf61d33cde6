"""Tokens, requests and idempotency keys in the store: found by hash, taken up once, kept a day."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from forecast.access import Request, RequestStatus, Scope, Token, digest_of, new_secret
from forecast.errors import UsageError
from forecast.store import Store

NOW = datetime(2025, 11, 20, 12, tzinfo=UTC)
MINUTE, LEASE = timedelta(minutes=1), timedelta(minutes=15)


def a_token(secret: str = "tocsin_x", name: str = "ann", **changes: object) -> Token:
    token = Token(digest_of(name + secret)[:12], name, Scope.WRITE, digest_of(secret), "me", NOW)
    return replace(token, **changes)  # type: ignore[arg-type]


def a_request(number: int = 1, kind: str = "reopen") -> Request:
    told = {"question": "q", "reason": "a mistake"}
    return Request(f"req-{number}", kind, told, "ann", NOW + number * MINUTE)


def test_a_token_is_found_by_the_hash_of_its_secret_and_the_secret_is_nowhere(store: Store) -> None:
    secret = new_secret()
    store.access.add_token(a_token(secret))
    found = store.access.token_of(digest_of(secret))
    assert found is not None
    assert found.name == "ann"
    assert secret not in repr(store.access.tokens())
    assert store.access.token_of(digest_of(secret + "x")) is None


def test_secrets_are_long_and_never_the_same() -> None:
    some = {new_secret() for _ in range(100)}
    assert len(some) == 100
    assert all(secret.startswith("tocsin_") and len(secret) >= 43 for secret in some)


def test_two_live_tokens_never_share_a_name_and_a_revoked_one_frees_it(store: Store) -> None:
    store.access.add_token(a_token("one"))
    with pytest.raises(UsageError, match="there is a token 'ann' already"):
        store.access.add_token(a_token("two"))
    store.access.revoke_token("ann", NOW)
    store.access.add_token(a_token("two"))
    assert [t.is_live(NOW) for t in store.access.tokens()] == [False, True]


def test_an_expired_token_frees_its_name(store: Store) -> None:
    store.access.add_token(a_token("one", expires_at=NOW + MINUTE))
    store.access.add_token(a_token("two", created_at=NOW + MINUTE))
    assert [t.is_live(NOW + MINUTE) for t in store.access.tokens()] == [False, True]


def test_what_is_revoked_twice_or_was_never_there_is_refused_with_the_nearest(store: Store) -> None:
    store.access.add_token(a_token())
    with pytest.raises(UsageError, match="did you mean 'ann'"):
        store.access.revoke_token("anne", NOW)
    store.access.revoke_token("ann", NOW)
    with pytest.raises(UsageError, match="no token 'ann' that could be revoked"):
        store.access.revoke_token("ann", NOW)


def test_that_a_token_is_used_is_noted_once_a_minute(store: Store) -> None:
    store.access.add_token(a_token())
    for seconds in (0, 30, 59, 61):
        [token] = store.access.tokens()
        store.access.token_used(token, NOW + timedelta(seconds=seconds))
    [token] = store.access.tokens()
    assert token.last_used_at == NOW + timedelta(seconds=61)


def test_requests_are_taken_up_oldest_first_each_by_one(store: Store) -> None:
    for number in (1, 2):
        store.access.ask(a_request(number))
    first = store.access.claim_request(NOW, "a", LEASE)
    second = store.access.claim_request(NOW, "b", LEASE)
    assert first
    assert second
    assert [first.request_id, second.request_id] == ["req-1", "req-2"]
    assert store.access.claim_request(NOW, "c", LEASE) is None


def test_only_the_kinds_that_are_asked_for_are_taken_up(store: Store) -> None:
    store.access.ask(a_request(1, "update"))
    store.access.ask(a_request(2, "reopen"))
    found = store.access.claim_request(NOW, "a", LEASE, {"reopen"})
    assert found
    assert found.request_id == "req-2"


def test_a_request_of_a_dead_holder_is_done_again_as_of_when_it_was_begun(store: Store) -> None:
    store.access.ask(a_request())
    dead = store.access.claim_request(NOW, "a", LEASE)
    late = NOW + LEASE
    again = store.access.claim_request(late, "b", LEASE)
    assert dead
    assert again
    assert (again.fence, again.begun_at) == (2, NOW)
    assert not store.access.finish_request(dead, late, result={"by": "a"})
    assert store.access.finish_request(again, late, result={"by": "b"})
    found = store.access.request("req-1")
    assert found
    assert (found.status, found.result) == (RequestStatus.DONE, {"by": "b"})


def test_a_request_ends_once(store: Store) -> None:
    store.access.ask(a_request())
    held = store.access.claim_request(NOW, "a", LEASE)
    assert held
    wrong = {"code": "usage", "message": "there is no question 'q'", "at": None}
    assert store.access.finish_request(held, NOW, error=wrong)
    assert not store.access.finish_request(held, NOW, result={})
    found = store.access.request("req-1")
    assert found
    assert (found.status, found.error) == (RequestStatus.FAILED, wrong)
    assert store.access.claim_request(NOW + 2 * LEASE, "b", LEASE) is None


def test_asking_twice_under_one_id_is_asking_once(store: Store) -> None:
    first = store.access.ask(a_request())
    held = store.access.claim_request(NOW, "a", LEASE)
    assert store.access.ask(a_request()) == held
    assert first.status is RequestStatus.WAITING


def test_a_key_is_ours_until_it_is_answered_and_then_gives_the_answer(store: Store) -> None:
    access = store.access
    assert access.remember("t", "k", "digest", NOW).is_ours
    assert not access.remember("t", "k", "digest", NOW).is_ours
    access.answered("t", "k", 200, {"new": 1})
    found = access.remember("t", "k", "digest", NOW)
    assert (found.is_ours, found.status, found.answer) == (False, 200, {"new": 1})
    assert access.remember("other", "k", "digest", NOW).is_ours


def test_a_key_of_another_body_is_seen(store: Store) -> None:
    store.access.remember("t", "k", "one", NOW)
    found = store.access.remember("t", "k", "two", NOW + 2 * MINUTE)
    assert (found.is_ours, found.digest) == (False, "one")


def test_a_key_whose_holder_died_is_taken_over_and_keeps_its_beginning(store: Store) -> None:
    store.access.remember("t", "k", "one", NOW)
    found = store.access.remember("t", "k", "one", NOW + MINUTE)
    assert (found.is_ours, found.begun_at) == (True, NOW)
    assert not store.access.remember("t", "k", "one", NOW + MINUTE).is_ours


def test_keys_are_kept_for_a_day(store: Store) -> None:
    store.access.remember("t", "k", "one", NOW)
    store.access.answered("t", "k", 200, {})
    day = timedelta(hours=24)
    assert not store.access.remember("t", "k", "two", NOW + day).is_ours
    assert store.access.remember("t", "k", "two", NOW + day + MINUTE).is_ours


def test_a_key_that_came_to_nothing_can_be_used_again_and_an_answered_one_stays(
    store: Store,
) -> None:
    store.access.remember("t", "k", "one", NOW)
    store.access.forget("t", "k")
    assert store.access.remember("t", "k", "one", NOW).is_ours
    store.access.answered("t", "k", 422, {})
    store.access.forget("t", "k")
    assert store.access.remember("t", "k", "one", NOW).status == 422
