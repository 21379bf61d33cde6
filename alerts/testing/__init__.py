"""For people who write channels or receive alerts: a real receiver, and the conformance checks.

with Receiver(secret="whsec_...") as receiver:
    ...send something to receiver.webhook_url or receiver.slack_url...
    print(receiver.received)

check_channel(MyChannel(Endpoint("mine", "https://example.org/hook")))
"""

from alerts.testing.checks import check_channel
from alerts.testing.exchange import Answer, Received, Service
from alerts.testing.receiver import Receiver
from alerts.testing.samples import sample_facts
from alerts.testing.slack import SLACK_ERRORS, slack_answer, slack_complaint

__all__ = [
    "SLACK_ERRORS",
    "Answer",
    "Received",
    "Receiver",
    "Service",
    "check_channel",
    "sample_facts",
    "slack_answer",
    "slack_complaint",
]
