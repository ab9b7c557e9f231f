"""Settings of what the web app takes on: from one caller, and in all. Each instance of it counts by itself."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from imagestore.settings.kinds import Positive, setting

OrAny = Annotated[int, msgspec.Meta(ge=0)]


@dataclass(frozen=True)
class LoadSettings:
    """Limits of the web app. How much work it does at once is no setting: it measures that."""

    account_requests_per_minute: OrAny = setting(
        12_000, "How many requests of one account, with all its sessions and keys, an instance of the web app answers "
        "in a minute; more are refused with 429. 0: any number."
    )  # fmt: skip
    key_requests_per_minute: OrAny = setting(6_000, "The same of one API key.")
    address_requests_per_minute: OrAny = setting(
        24_000, "The same of one network address (of IPv6, its first 64 bits), whoever asks from there; see "
        "TRUSTED_PROXIES."
    )  # fmt: skip
    uploads_at_once: Positive = setting(
        64, "How many uploads may be on their way to an instance of the web app at once."
    )
    uploads_at_once_per_caller: Positive = setting(16, "How many of these may be one account's.")
    event_streams: Positive = setting(
        2_000, "How many streams of events an instance of the web app keeps open at once."
    )
    event_streams_per_caller: Positive = setting(50, "How many of these may be one account's.")
