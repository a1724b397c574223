"""The HTTP connection, known by its client's address, so that what is planted can break it off."""

from __future__ import annotations

import asyncio
from typing import cast
from weakref import WeakValueDictionary

from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

_open: WeakValueDictionary[tuple[str, int], asyncio.Transport] = WeakValueDictionary()


class Connection(H11Protocol):
    """uvicorn's connection, entered in the table of open ones."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        _open[cast(tuple[str, int], tuple(peer[:2]))] = transport


def break_off(request: Request) -> None:
    """The request's connection is reset, whatever was to be sent on it."""
    transport = _open.get((request.client.host, request.client.port)) if request.client else None
    if transport is not None:
        transport.abort()
