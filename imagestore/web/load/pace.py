"""How slowly a client may send the body of its request.

The bound is that of Apache's mod_reqtimeout (`body=20,MinRate=500`): twenty seconds, and one more for every 500 bytes.
Only the time counts in which the app waits for the client; at no time does it wait for longer than a minute, however
quickly the body came before. What is held in memory until it is whole has two minutes in all.
"""

import asyncio
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from imagestore.web.load.most import SlowestBody
from imagestore.web.problems import ApiProblem


def too_slow(slowest: SlowestBody) -> ApiProblem:
    """What a client is told whose body came more slowly."""
    said = (
        f"The request's body came too slowly: it may take {slowest.first_s:g} s, and one more for every "
        f"{slowest.bytes_a_second:g} bytes. Send it again over a better connection."
    )
    return ApiProblem(408, "too_slow", said, headers={"Connection": "close"})


class PacedBody:
    """A request's body as it comes. If it comes too slowly the app is told that the client has left, so that it clears
    up as it does then."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        slowest: SlowestBody,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        is_in_memory: bool = False,
    ) -> None:
        headers = Headers(scope=scope)
        self._receive = receive
        self._slowest = slowest
        self._monotonic = monotonic
        self._left_s = slowest.first_s
        self._left_of_all_s = slowest.in_memory_s if is_in_memory else float("inf")
        self.is_whole = "content-length" not in headers and "transfer-encoding" not in headers
        self.is_late = False

    async def receive(self) -> Message:
        """The next message from the client."""
        if self.is_late:
            return {"type": "http.disconnect"}
        if self.is_whole:
            return await self._receive()
        began = self._monotonic()
        try:
            async with asyncio.timeout(min(self._left_s, self._left_of_all_s)):
                message = await self._receive()
        except TimeoutError:
            self.is_late = True
            return {"type": "http.disconnect"}
        waited_s = self._monotonic() - began
        self._left_s = self._slowest.left_s(self._left_s, len(message.get("body", b"")), waited_s)
        self._left_of_all_s -= waited_s
        self.is_whole = not message.get("more_body", False)
        return message
