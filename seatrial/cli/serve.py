"""`seatrial serve`: the reference server, clean or with planted defects; or the simulator, whose times are known."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from seatrial import simulator
from seatrial.capability import unknown
from seatrial.model import Invalid


def _simulator_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for flag in reversed(simulator.flags()):
        option = click.option(
            flag.option,
            flag.name,
            type=flag.type,
            multiple=flag.repeats,
            metavar=flag.metavar,
            default=() if flag.repeats else None,
            help=flag.help,
        )
        command = option(command)
    return command


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--defect", "plants", multiple=True, metavar="ID", help="Plants a defect or legal variant; repeatable.")
@click.option("--hostile", metavar="ID", help="Behaves badly in this way, to try clients with.")
@click.option("--profile", default="", metavar="NAME", help="Plays another service's ways: telekom.")
@click.option("--api-key", metavar="KEY", help="Ask for this key (better: --api-key-env).")
@click.option("--api-key-env", metavar="NAME", help="Ask for the key in this variable.")
@click.option("--list", "show", is_flag=True, help="List defects, legal variants and hostile behaviours, and end.")
@_simulator_options
@click.option("--truth", type=click.Path(dir_okay=False), metavar="FILE", help="Write what really happened, as JSONL.")
@click.option("--cpu", type=click.IntRange(0), metavar="N", help="Pin the simulator to this CPU, where possible.")
def command(
    port: int,
    host: str,
    plants: tuple[str, ...],
    hostile: str | None,
    profile: str,
    api_key: str | None,
    api_key_env: str | None,
    show: bool,
    truth: str | None,
    cpu: int | None,
    **timing: Any,
) -> int:
    """Serves the OpenAI contract, for the openai SDK, curl and seatrial itself.

    Without any flag from --ttft on: the reference server, a deterministic model that takes no time. With one: the
    simulator, which takes exactly the time it is told and writes down what it did.

    Prints its base URL when it listens.
    """
    shown = f"[{host}]" if ":" in host else host

    def ready(bound: int) -> None:
        click.echo(f"http://{shown}:{bound}/{'v2' if profile == 'telekom' else 'v1'}")

    if truth is not None or cpu is not None or any(value not in (None, ()) for value in timing.values()):
        if plants or hostile or show or profile or api_key or api_key_env:
            raise click.UsageError(
                "--defect, --hostile, --list, --profile and --api-key are not the simulator's: give none of its flags"
            )
        try:
            told = simulator.timing_of(timing)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        simulator.serve(told, host, port, ready, truth, cpu)
        return 0

    if hostile is not None:
        if plants or show or profile or api_key or api_key_env:
            raise click.UsageError("--hostile stands alone, but for --host and --port")
        _serve_hostile(hostile, host, port)
        return 0
    from seatrial import server

    if show:
        for id, plant in sorted(server.catalog().items()):
            click.echo(f"{id:<44} {plant.level:<6} {plant.summary}")
        from seatrial.hostile import behaviours

        for id, behaviour in behaviours().items():
            click.echo(f"{id:<44} {'bad':<6} {behaviour.summary}")
        return 0
    key = api_key or (os.environ.get(api_key_env) if api_key_env else None)
    try:
        settings = server.Settings(api_key=key, plants=plants, profile=profile)
        server.create_app(settings)
    except ValueError as error:
        raise Invalid("--profile" if "profile" in str(error) else "--defect", "", str(error)) from None
    server.serve(settings, host, port, ready)
    return 0


def _serve_hostile(id: str, host: str, port: int) -> None:
    from seatrial.hostile import behaviours, server

    found = behaviours().get(id)
    if found is None:
        raise Invalid("--hostile", "", unknown("behaviour", id, list(behaviours())))
    server.serve(found, host, port, click.echo)
