"""Messages on a queue: base64, as the Functions host expects them."""

from datetime import datetime

from azure.storage.queue import QueueClient

from store.failures import translated

LONGEST_DELAY_S = 7 * 24 * 3600


class Queue:
    """One queue."""

    def __init__(self, client: QueueClient) -> None:
        self._client = client
        self.name = client.queue_name

    def send(self, message: str, delay_s: float = 0) -> None:
        """Put a message on the queue, visible after `delay_s` seconds; it never expires. Away."""
        with translated(f"sending to queue {self.name}"):
            self._client.send_message(message, visibility_timeout=min(int(delay_s), LONGEST_DELAY_S), time_to_live=-1)

    def oldest(self) -> datetime | None:
        """When the message at the head was put there; None if none is visible. Away, Missing."""
        with translated(f"looking at queue {self.name}"):
            messages = self._client.peek_messages(max_messages=32)
        return min((message.inserted_on for message in messages if message.inserted_on), default=None)

    def length(self) -> int:
        """About how many messages wait, those not yet visible included. Away, Missing."""
        with translated(f"looking at queue {self.name}"):
            return int(self._client.get_queue_properties().approximate_message_count or 0)
