"""Messages on a queue: base64, as the Functions host expects them."""

from dataclasses import dataclass
from datetime import datetime

from azure.storage.queue import QueueClient

from errors import Away, Missing, StoreError
from store.failures import translated

LONGEST_DELAY_S = 7 * 24 * 3600
MOST_PEEKED = 32


@dataclass(frozen=True)
class Receipt:
    """What it takes to take a message back."""

    id: str
    proof: str


class Queue:
    """One queue."""

    def __init__(self, client: QueueClient) -> None:
        self._client = client
        self.name = client.queue_name

    def send(self, message: str, delay_s: float = 0) -> Receipt:
        """Put a message on the queue, visible after `delay_s` seconds; it never expires. Away."""
        with translated(f"sending to queue {self.name}"):
            sent = self._client.send_message(
                message, visibility_timeout=min(int(delay_s), LONGEST_DELAY_S), time_to_live=-1
            )
        return Receipt(str(sent.id), str(sent.pop_receipt))

    def take_back(self, receipt: Receipt) -> None:
        """Remove a message that nobody has taken yet. Missing where it was taken; Away."""
        try:
            with translated(f"taking a message back from queue {self.name}"):
                self._client.delete_message(receipt.id, receipt.proof)
        except StoreError as error:
            if isinstance(error, Away):
                raise
            raise Missing(f"taking a message back from queue {self.name}: it was taken") from None

    def due(self) -> int:
        """How many messages could be taken now, counted up to MOST_PEEKED. Away, Missing."""
        with translated(f"looking at queue {self.name}"):
            return len(self._client.peek_messages(max_messages=MOST_PEEKED))

    def oldest(self) -> datetime | None:
        """When the message at the head was put there; None if none is visible. Away, Missing."""
        with translated(f"looking at queue {self.name}"):
            messages = self._client.peek_messages(max_messages=MOST_PEEKED)
        return min((message.inserted_on for message in messages if message.inserted_on), default=None)

    def length(self) -> int:
        """About how many messages wait, those not yet visible included. Away, Missing."""
        with translated(f"looking at queue {self.name}"):
            return int(self._client.get_queue_properties().approximate_message_count or 0)
