"""Settings of long work."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from imagestore.settings.kinds import Container, setting


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

    backups_container: Container = setting(
        "backups", "The container for backups, in the account of the connection BACKUPS."
    )

    @property
    def hosts_of_imports(self) -> tuple[str, ...]:
        """IMPORT_HOSTS one by one."""
        return tuple(host.strip().lower() for host in self.import_hosts.split(",") if host.strip())
