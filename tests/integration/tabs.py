"""Tabs of a browser window as people have them: one is seen, the others are hidden.

Playwright makes each of its pages believe that it is seen. So these tabs are opened and asked by the browser's own
protocol (https://chromedevtools.github.io/devtools-protocol/tot/Target/), in a window that Playwright does not know.
"""

import itertools
import json
from typing import Any

from playwright.sync_api import Browser, CDPSession

from .conftest import eventually

PAGE_CHANGED = -32000
"""What the browser answers to a question whose page is gone: a new tab has an empty page before its own."""


class Window:
    """A window of the browser, with nothing kept from other windows."""

    def __init__(self, browser: Browser, base: str) -> None:
        self._base = base
        self._session: CDPSession = browser.new_browser_cdp_session()
        self._context: str = self._session.send("Target.createBrowserContext")["browserContextId"]
        self._numbers = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._session.on("Target.receivedMessageFromTarget", self._keep)

    def open(self, address: str, *, background: bool = False) -> "Tab":
        """A new tab; one in the background is hidden from its birth."""
        where = {"url": self._base + address, "browserContextId": self._context}
        id = self._session.send("Target.createTarget", {**where, "background": background})["targetId"]
        session = self._session.send("Target.attachToTarget", {"targetId": id, "flatten": False})["sessionId"]
        return Tab(self, id, session)

    def show(self, id: str) -> None:
        """Bring a tab to the front, which hides the one that was there."""
        self._session.send("Target.activateTarget", {"targetId": id})

    def ask(self, session: str, expression: str) -> Any:
        """The value of a JavaScript expression in the tab of this session; None if its page changed meanwhile."""
        number = next(self._numbers)
        question = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        message = json.dumps({"id": number, "method": "Runtime.evaluate", "params": question})
        self._session.send("Target.sendMessageToTarget", {"sessionId": session, "message": message})
        answer = eventually(lambda: self._answer(number), expression)
        if answer.get("error", {}).get("code") == PAGE_CHANGED:
            return None
        return answer["result"]["result"].get("value")

    def count(self, kind: str) -> int:
        """How many targets of a kind there are in this window, such as `shared_worker`."""
        found = self._session.send("Target.getTargets", {"filter": [{}]})["targetInfos"]
        return sum(one["type"] == kind and one.get("browserContextId") == self._context for one in found)

    def close(self) -> None:
        """Close it with all its tabs."""
        self._session.send("Target.disposeBrowserContext", {"browserContextId": self._context})

    def _keep(self, event: dict[str, Any]) -> None:
        answer = json.loads(event["message"])
        self._answers[answer.get("id", 0)] = answer

    def _answer(self, number: int) -> dict[str, Any] | None:
        self._session.send("Target.getTargets")  # events come in while a call is under way
        return self._answers.pop(number, None)


class Tab:
    """One tab of a window."""

    def __init__(self, window: Window, id: str, session: str) -> None:
        self._window = window
        self._id = id
        self._session = session

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; None if the tab changed its page before it was known."""
        return self._window.ask(self._session, expression)

    def show(self) -> None:
        """Bring it to the front."""
        self._window.show(self._id)

    @property
    def is_hidden(self) -> bool:
        """Whether nobody sees it."""
        return bool(self.evaluate("document.hidden"))

    @property
    def is_live(self) -> bool:
        """Whether the page is there, and hears of changes."""
        return bool(self.evaluate("document.documentElement.dataset.live === 'yes'"))

    @property
    def is_loaded(self) -> bool:
        """Whether the page is there with its scripts."""
        return bool(self.evaluate("document.readyState === 'complete' && location.protocol !== 'about:'"))
