"""Settings of long work."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from imagestore.settings.kinds import setting


@dataclass(frozen=True)
class JobSettings:
    """The lease of a runner."""

    job_lease_seconds: Annotated[int, msgspec.Meta(ge=2, le=3600)] = setting(
        30,
        "After so many seconds without a sign of a runner (`imagestore jobs run`), another takes its job up.",
    )
