"""Pages that ask for an email address, to which a link is sent: no answer tells whether there is an account with it."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from imagestore.accounts.email_address import LONGEST_EMAIL
from imagestore.errors import AccessError
from imagestore.web.pages.browser_session import client_address
from imagestore.web.pages.entrance import Field, entrance, read_form
from imagestore.web.services import Services


@dataclass(frozen=True)
class EmailForm:
    """What such a page says, where its form goes, what the link back to signing in is called, and what is said once a
    link is on its way."""

    title: str
    lead: str
    action: str
    back: str
    sent: str

    def shown(
        self, request: Request, services: Services, email: str = "", error: AccessError | None = None
    ) -> Response:
        """The page, with what was typed before and what is wrong with it."""
        field = Field("email", "Email address", "email", "username", email[:LONGEST_EMAIL], LONGEST_EMAIL)
        links = [("/sign-in", self.back)]
        return entrance(
            request, services, self.title, self.lead, self.action, "Send me the link", [field], links=links, error=error
        )

    async def answered(self, request: Request, services: Services, send: Callable[[str, str], object]) -> Response:
        """What is said to who has sent the form; `send` takes the address that was typed, and the network address it
        came from."""
        form = await read_form(request, services)
        email = form.get("email", "")
        try:
            await run_in_threadpool(send, email, client_address(request, services))
        except AccessError as error:
            return self.shown(request, services, email, error)
        links = [("/sign-in", "Sign in")]
        return entrance(request, services, "Look into your mail", self.sent, "", "", links=links)
