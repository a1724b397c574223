"""The reference server: the OpenAI contract with a deterministic model, and whatever is planted in it.

It shares no code with the checks: a judge must not share a parser with the accused.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import pkgutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from functools import cache

import uvicorn
from starlette.applications import Starlette

from seatrial.server.app import MODELS, Server
from seatrial.server.connection import Connection
from seatrial.server.plant import Plant, Plants, Settings
from seatrial.server.profiles import PROFILES


@cache
def catalog() -> dict[str, Plant]:
    """Every plant by id: the `PLANTS` of each module in `plants/`."""
    package = importlib.import_module("seatrial.server.plants")
    found: dict[str, Plant] = {}
    for module in pkgutil.iter_modules(package.__path__):
        for plant in getattr(importlib.import_module(f"{package.__name__}.{module.name}"), "PLANTS", ()):
            if plant.id in found:
                raise ValueError(f"two plants are named {plant.id}")
            found[plant.id] = plant
    return found


def chosen(ids: tuple[str, ...]) -> tuple[Plant, ...]:
    """The plants of these ids; a check's id stands for the first defect that trips it. Raises ValueError."""
    found = []
    for id in ids:
        tripping = [plant for plant in catalog().values() if id in plant.trips]
        # A plant that trips the check before any other shows it best.
        tripping.sort(key=lambda plant: plant.trips.index(id))
        plant = catalog().get(id) or next(iter(tripping), None)
        if plant is None:
            close = difflib.get_close_matches(id, catalog(), n=3)
            raise ValueError(f"unknown defect {id!r}" + (f"; did you mean {', '.join(close)}?" if close else ""))
        found.append(plant)
    return tuple(found)


def create_app(settings: Settings) -> Starlette:
    """The application. Raises ValueError for a plant or profile that is not known."""
    chosen_ones = chosen(settings.plants)
    if settings.profile:
        if settings.profile not in PROFILES:
            raise ValueError(f"unknown profile {settings.profile!r}; known: {', '.join(PROFILES)}")
        chosen_ones += (PROFILES[settings.profile],)
    planted = Plants(chosen_ones)
    models = MODELS
    for rename in planted.each("models"):
        models = rename(models)
    return Server(settings, planted, models).app()


def _server(settings: Settings) -> uvicorn.Server:
    config = uvicorn.Config(
        create_app(settings),
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=True,
        lifespan="off",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=30,
        http=Connection,
        loop="asyncio",
    )
    return uvicorn.Server(config)


def _listener(host: str, port: int) -> socket.socket:
    listener = socket.create_server(
        (host, port), backlog=2048, family=socket.AF_INET6 if ":" in host else socket.AF_INET
    )
    # Inherited by the connections: asyncio sets it only on sockets that name their protocol.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve(settings: Settings, host: str, port: int, ready: Callable[[int], None] | None = None) -> None:
    """Serves until SIGINT or SIGTERM; `ready` is called with the port once it is bound. Raises OSError."""
    server = _server(settings)
    with _listener(host, port) as listener:
        if ready is not None:
            ready(listener.getsockname()[1])
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[str]:
    """A server in a thread of this process; its base URL. It ends with the block."""
    server = _server(settings)
    listener = _listener("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(5)
        listener.close()


__all__ = ["Plant", "Settings", "catalog", "chosen", "create_app", "running", "serve"]
