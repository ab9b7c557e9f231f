"""Which pictures wait for another attempt, read from the log of the local Functions host.

A delayed message cannot be seen on a queue, neither here nor in Azure; the worker that sent it logs the delay.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

_LINE = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) .*?step=\S+ id=(?P<id>[0-9a-f]{32}) .*?"
    r"again in (?P<delay>[\d.e+]+) s: (?P<error>.*)"
)


@dataclass(frozen=True)
class Retry:
    """When a step is tried again (local time), and the error that ended the last attempt."""

    due: datetime
    error: str


class RetryLog:
    """Reads the host's log as it grows."""

    def __init__(self, log_file: Path) -> None:
        self._log_file = log_file
        self._offset = 0
        self._retries: dict[str, Retry] = {}

    def read(self) -> dict[str, Retry]:
        """The last announced retry of each record, by its id. Some may have happened since."""
        try:
            with self._log_file.open("rb") as log:
                log.seek(self._offset)
                data = log.read()
        except OSError:  # there is none before the host starts, or where it is somebody else's
            return self._retries
        end = data.rfind(b"\n") + 1
        self._offset += end
        for line in data[:end].decode("utf-8", "replace").splitlines():
            if found := _LINE.match(line):
                at = datetime.strptime(found["at"], "%Y-%m-%d %H:%M:%S,%f")
                self._retries[found["id"]] = Retry(at + timedelta(seconds=float(found["delay"])), found["error"])
        return self._retries
