"""Where requests go, and why one did not succeed."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from seatrial.model import Invalid


class Failure(Exception):
    """A request that did not succeed: `name` counts it, `detail` says more."""

    def __init__(self, name: str, detail: str = "") -> None:
        super().__init__(name, detail)
        self.name, self.detail = name, detail


@dataclass(frozen=True, slots=True)
class Address:
    """Where a base URL leads: scheme, host, port and the path before every operation's."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Address:
        """Raises Invalid for what is not an http or https URL."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise Invalid("URL", "", f"{error}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Invalid("URL", "", "expected http://HOST[:PORT]/PATH or https://...")
        if parts.username or parts.password or parts.query or parts.fragment:
            # None of it is said again: it may be a secret.
            raise Invalid("URL", "", "a base URL holds no user name, password, query or fragment")
        return cls(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), parts.path)

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"

    @property
    def shown(self) -> str:
        """The URL without what may be secret in it."""
        return f"{self.scheme}://{self.authority}{self.path}"

    def sibling(self, segment: str) -> Address:
        """The same address with the path's last segment replaced: `/any/v2` and `queue` give `/any/queue`."""
        head = self.path.rstrip("/").rpartition("/")[0]
        return Address(self.scheme, self.host, self.port, f"{head}/{segment}")


class Resolver:
    """Looks an address up once; what worked last is tried first."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._found: list[tuple[int, Any]] = []

    def all(self) -> list[tuple[int, Any]]:
        """Families and socket addresses, in the order in which to try them. Raises Failure."""
        if not self._found:
            from gevent import socket as gsocket

            try:
                self.address.host.encode("idna")  # here, since gevent's threads print what they raise
                rows = gsocket.getaddrinfo(self.address.host, self.address.port, 0, socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                raise Failure("connect.dns", str(error)) from None
            self._found = [(row[0], row[4]) for row in rows]
        return list(self._found)

    def worked(self, place: tuple[int, Any]) -> None:
        """From now on that address is tried first."""
        if self._found[0] != place:
            self._found.remove(place)
            self._found.insert(0, place)
