"""Messages on a queue: base64, as the Functions host expects them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from imagestore.errors import NotFound, StoreError, Unavailable
from imagestore.store.failures import translated

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient

WORK_QUEUE = "work"
WORK_POISON_QUEUE = WORK_QUEUE + "-poison"
BLOB_POISON_QUEUE = "webjobs-blobtrigger-poison"
LONGEST_DELAY_S = 7 * 24 * 3600
MOST_PEEKED = 32


@dataclass(frozen=True)
class SentMessage:
    """A message that was sent: its id, and the receipt that is needed to delete it."""

    id: str
    pop_receipt: str


@dataclass(frozen=True)
class TakenMessage:
    """A message that was received, with what is needed to remove it."""

    id: str
    pop_receipt: str
    text: str


class Queue:
    """One queue. Every method raises Unavailable."""

    def __init__(self, client: "QueueClient") -> None:
        self._client = client
        self.name = client.queue_name

    def send(self, message: str, delay_s: float = 0) -> SentMessage:
        """Put a message on the queue, visible after `delay_s` seconds; it never expires."""
        with translated(f"sending to queue {self.name}"):
            sent = self._client.send_message(
                message, visibility_timeout=min(int(delay_s), LONGEST_DELAY_S), time_to_live=-1
            )
        return SentMessage(str(sent.id), str(sent.pop_receipt))

    def take_back(self, message: SentMessage) -> None:
        """Remove a message that was sent. Raises NotFound if it has been received already."""
        try:
            with translated(f"taking a message back from queue {self.name}"):
                self._client.delete_message(message.id, message.pop_receipt)
        except StoreError as error:
            if isinstance(error, Unavailable):
                raise
            raise NotFound(f"taking a message back from queue {self.name}: it was taken") from None

    def peek(self) -> list[str]:
        """The first visible messages, at most MOST_PEEKED. They stay visible."""
        with translated(f"looking at queue {self.name}"):
            return [str(message.content) for message in self._client.peek_messages(max_messages=MOST_PEEKED)]

    def receive(self, seconds: int = 60) -> Iterator[TakenMessage]:
        """Every message that is visible, each hidden from others for so many seconds unless it is removed."""
        with translated(f"receiving from queue {self.name}"):
            for message in self._client.receive_messages(visibility_timeout=seconds):
                yield TakenMessage(str(message.id), str(message.pop_receipt), str(message.content))

    def release(self, message: TakenMessage) -> None:
        """Let others see a message that was received, at once. Raises NotFound if they do already."""
        with translated(f"putting a message back on queue {self.name}"):
            self._client.update_message(message.id, message.pop_receipt, visibility_timeout=0)

    def remove(self, message: TakenMessage) -> None:
        """Remove a message that was received. Raises NotFound if it is seen by others again."""
        with translated(f"removing a message from queue {self.name}"):
            self._client.delete_message(message.id, message.pop_receipt)

    def due(self) -> int:
        """How many messages can be received now, counted up to MOST_PEEKED."""
        with translated(f"looking at queue {self.name}"):
            return len(self._client.peek_messages(max_messages=MOST_PEEKED))

    def oldest(self) -> datetime | None:
        """When the oldest of the first visible messages was sent; None if none is visible."""
        with translated(f"looking at queue {self.name}"):
            messages = self._client.peek_messages(max_messages=MOST_PEEKED)
        return min((message.inserted_on for message in messages if message.inserted_on), default=None)

    def length(self) -> int:
        """About how many messages the queue holds, including those that are not visible yet."""
        with translated(f"looking at queue {self.name}"):
            return int(self._client.get_queue_properties().approximate_message_count or 0)
