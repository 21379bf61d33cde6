"""Signing, against the specification's own vector and an independent implementation."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from alerts.signing import parse_secrets, sign, verify
from forecast.clock import utc_now
from forecast.errors import ConfigError, InputError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
AT = datetime(2021, 2, 25, 15, 2, 10, tzinfo=UTC)
KEYS = parse_secrets(SECRET, "secret")


def test_the_vector_of_the_specification_is_reproduced() -> None:
    headers = sign(KEYS, "msg_p5jXN8AQM9LWM0D4loKWxJek", AT, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(body=st.text().map(str.encode), key=st.binary(min_size=24, max_size=64))
def test_the_reference_library_accepts_what_we_sign(body: bytes, key: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    headers = sign(
        parse_secrets(secret, "secret"), "msg_1", utc_now(), b'["' + body.hex().encode() + b'"]'
    )
    Webhook(secret).verify(b'["' + body.hex().encode() + b'"]', headers)


def test_during_a_rotation_the_old_and_the_new_verifier_both_accept() -> None:
    both = sign(parse_secrets(f"{OTHER} {SECRET}", "secret"), "msg_1", utc_now(), b"{}")
    Webhook(SECRET).verify(b"{}", both)
    Webhook(OTHER).verify(b"{}", both)
    new_only = sign(parse_secrets(OTHER, "secret"), "msg_1", utc_now(), b"{}")
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b"{}", new_only)


def test_our_verifier_accepts_any_of_several_signatures() -> None:
    both = sign(parse_secrets(f"{OTHER} {SECRET}", "secret"), "msg_1", AT, b"{}")
    verify(KEYS, both, b"{}", AT)
    verify(parse_secrets(f"{OTHER} {SECRET}", "secret"), sign(KEYS, "msg_1", AT, b"{}"), b"{}", AT)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"webhook-id": "msg_2"}, "no signature matches"),
        ({"webhook-timestamp": "1614265331"}, "no signature matches"),
        ({"webhook-timestamp": "1614265030"}, "no signature matches"),
        ({"webhook-timestamp": "1614265029"}, "5 minutes away"),
        ({"webhook-timestamp": "1614265631"}, "5 minutes away"),
        ({"webhook-timestamp": "soon"}, "whole number"),
        ({"webhook-timestamp": "9" * 5000}, "whole number"),
        ({"webhook-timestamp": "٣"}, "whole number"),
        ({"webhook-signature": "v1,"}, "no signature matches"),
        ({"webhook-signature": ""}, "no signature matches"),
        ({"webhook-signature": "v1a,AAAA  v1,é ,"}, "no signature matches"),
    ],
)
def test_a_changed_request_is_refused_with_its_reason(change: dict[str, str], reason: str) -> None:
    headers = sign(KEYS, "msg_1", AT, b"{}")
    with pytest.raises(InputError, match=reason):
        verify(KEYS, headers | change, b"{}", AT)


def test_a_changed_body_or_a_missing_header_is_refused() -> None:
    headers = sign(KEYS, "msg_1", AT, b"{}")
    with pytest.raises(InputError, match="no signature matches"):
        verify(KEYS, headers, b"{ }", AT)
    del headers["webhook-id"]
    with pytest.raises(InputError, match="webhook-id is missing"):
        verify(KEYS, headers, b"{}", AT)


def test_the_time_is_the_instant_whatever_its_zone() -> None:
    from zoneinfo import ZoneInfo

    local = AT.astimezone(ZoneInfo("Europe/Helsinki"))
    assert sign(KEYS, "msg_1", local, b"{}") == sign(KEYS, "msg_1", AT, b"{}")
    verify(KEYS, sign(KEYS, "msg_1", AT, b"{}"), b"{}", AT + timedelta(minutes=5))


def test_an_id_with_a_dot_is_refused() -> None:
    with pytest.raises(ValueError, match="dot"):
        sign(KEYS, "msg.1", AT, b"{}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("CANARYMfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not begin with whsec_"),
        ("whsec_CANARY*KYqrTwjUPD8ILPZIo2LaLaSw", "is not base64"),
        ("whsec_CANARYrTwjUPD8ILPZIo2LaLa", "is not base64"),  # its padding is missing
        ("whsec_CANARYé", "is not base64"),
        (SECRET.replace("whsec_", "whsec_*"), "is not base64"),
        ("whsec_" + base64.b64encode(b"CANARY".ljust(23)).decode(), "has 23 bytes; it needs 24"),
        ("whsec_" + base64.b64encode(b"CANARY".ljust(65)).decode(), "has 65 bytes"),
        (f"{SECRET} CANARY", "does not begin"),
    ],
)
def test_a_bad_secret_is_refused_with_a_reason_that_does_not_show_it(
    text: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        parse_secrets(text, "channels.desk.secret")
    assert caught.value.at == "channels.desk.secret"
    assert "CANARY" not in str(caught.value)
    assert caught.value.__context__ is None


def test_secrets_of_24_and_64_bytes_are_taken() -> None:
    for size in (24, 64):
        secret = "whsec_" + base64.b64encode(b"k" * size).decode()
        assert parse_secrets(secret, "secret") == (b"k" * size,)
