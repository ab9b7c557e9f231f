"""What whoever asks a distant server has to know: whether its address and key can be such, and when to come back."""

import contextlib
import ipaddress
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from imagestore.errors import SettingsError


def checked_server(server: str, *, insecure_http: bool = False) -> str:
    """The address of a server, such as https://pictures.example.org, without a slash at its end.

    Raises SettingsError if it is none, or if a key would go there unencrypted, which `insecure_http` allows.
    """
    try:
        parts = urlsplit(server.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise SettingsError(f"'{server}' is no address of a server such as https://pictures.example.org.")
    if parts.scheme == "http" and not insecure_http and not _is_loopback(host):
        raise SettingsError(
            f"'{server}' is not encrypted: whoever is on the way would read the key and the pictures. Use https://, or "
            "say --insecure-http (insecure_http=True) if the way there is safe."
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def checked_key(key: str) -> str:
    """The key without spaces at its ends. Raises SettingsError if it can be none."""
    if not re.fullmatch("[!-~]{1,4096}", key.strip()):
        raise SettingsError("The key holds characters that no key has. Was it copied whole, and nothing else?")
    return key.strip()


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def told_pause_s(retry_after: str | None, otherwise_s: float) -> float:
    """How long to wait: as the server says, in seconds or as a date."""
    if retry_after is None:
        return otherwise_s
    with contextlib.suppress(ValueError):
        return max(0.0, float(int(retry_after)))
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    return otherwise_s
