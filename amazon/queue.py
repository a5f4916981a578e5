"""The queue through which Amazon says that an order has changed (SQS).

Place in the flow: `orders.changes` receives, commits, and then deletes. A message that is not deleted comes again.
Credentials are AWS's own and found by boto3 in its usual places; no seller's token is involved.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from amazon.errors import NotReached

AT_ONCE: Final = 10  # SQS gives no more
LONGEST_WAIT: Final = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """One message. `receipt` is what deletes it."""

    body: str = field(repr=False)
    receipt: str = field(repr=False)


class ChangeQueue:
    """One queue. `endpoint` sends the calls to a stand-in; None means Amazon's own, by the queue's address.

    Not to be shared between processes. Every trouble is `NotReached`: whatever it was, the messages are still there.
    """

    def __init__(self, url: str, *, arn: str, endpoint: str | None = None) -> None:
        region = arn.split(":")[3]
        stand_in = {"aws_access_key_id": "stand-in", "aws_secret_access_key": "stand-in"} if endpoint else {}
        self._url = url
        self._sqs: Any = boto3.client(
            "sqs",
            region_name=region,
            endpoint_url=endpoint,
            config=Config(
                connect_timeout=5,
                read_timeout=LONGEST_WAIT.total_seconds() + 10,
                retries={"total_max_attempts": 2},
                proxies={} if endpoint and urlsplit(endpoint).hostname == "127.0.0.1" else None,
            ),
            **stand_in,
        )

    def receive(self, *, wait: timedelta = timedelta()) -> list[QueueMessage]:
        """Up to ten messages; none where there is none after `wait` (20 seconds at most)."""
        seconds = int(min(wait, LONGEST_WAIT).total_seconds())
        try:
            answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=AT_ONCE, WaitTimeSeconds=seconds)
        except (BotoCoreError, ClientError) as error:
            reason = type(error).__name__
        else:
            return [QueueMessage(each["Body"], each["ReceiptHandle"]) for each in answer.get("Messages", [])]
        raise NotReached(f"the queue cannot be read ({reason})")

    def delete(self, messages: Iterable[QueueMessage]) -> None:
        """Delete up to ten messages. One that could not be deleted comes again."""
        entries = [{"Id": str(number), "ReceiptHandle": message.receipt} for number, message in enumerate(messages)]
        if not entries:
            return
        try:
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
        except (BotoCoreError, ClientError) as error:
            reason = type(error).__name__
        else:
            return
        raise NotReached(f"messages cannot be deleted ({reason})")

    def close(self) -> None:
        self._sqs.close()
