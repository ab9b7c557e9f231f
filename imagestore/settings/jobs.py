"""Settings of long work."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from imagestore.settings.kinds import Container, Seconds, setting


@dataclass(frozen=True)
class JobSettings:
    """The lease of a runner, and what it may ask."""

    job_lease_seconds: Annotated[int, msgspec.Meta(ge=2, le=3600)] = setting(
        30,
        "After so many seconds without a sign of a runner (`imagestore jobs run`), another takes its job up.",
    )
    import_hosts: str = setting(
        "",
        "Hosts that an import may ask though they are not on the public internet, separated by commas, such as that of "
        "a private endpoint. `imagestore run` adds localhost where nobody signs in.",
    )

    webhook_hosts: str = setting(
        "",
        "Hosts that webhooks may be sent to though they are not on the public internet, and by http:// too, separated "
        "by commas. `imagestore run` adds localhost where nobody signs in.",
    )
    webhook_retry_hours: Annotated[int, msgspec.Meta(ge=1, le=168)] = setting(
        72, "For how many hours an event is tried to be sent to a webhook, before it is given up."
    )
    webhook_poll_seconds: Seconds = setting(
        2.0, "How often a runner looks for what is to be sent to webhooks, while there are any."
    )
    backups_container: Container = setting(
        "backups", "The container for backups, in the account of the connection BACKUPS."
    )

    @property
    def hosts_of_imports(self) -> tuple[str, ...]:
        """IMPORT_HOSTS one by one."""
        return _hosts(self.import_hosts)

    @property
    def hosts_of_webhooks(self) -> tuple[str, ...]:
        """WEBHOOK_HOSTS one by one."""
        return _hosts(self.webhook_hosts)


def _hosts(text: str) -> tuple[str, ...]:
    return tuple(host.strip().lower() for host in text.split(",") if host.strip())
