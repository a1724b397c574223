"""`seatrial serve`: the reference server, clean or with planted defects."""

from __future__ import annotations

import os

import click

from seatrial.model import Invalid


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: a free one.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--defect", "plants", multiple=True, metavar="ID", help="Plants a defect or legal variant; repeatable.")
@click.option("--api-key", metavar="KEY", help="Ask for this key (better: --api-key-env).")
@click.option("--api-key-env", metavar="NAME", help="Ask for the key in this variable.")
@click.option("--ttft", type=click.FloatRange(0), default=0.0, help="Milliseconds before the first token.")
@click.option("--itl", type=click.FloatRange(0), default=0.0, help="Milliseconds between tokens.")
@click.option("--list", "show", is_flag=True, help="List the defects and legal variants, and end.")
def command(
    port: int,
    host: str,
    plants: tuple[str, ...],
    api_key: str | None,
    api_key_env: str | None,
    ttft: float,
    itl: float,
    show: bool,
) -> int:
    """Serves the OpenAI contract with a deterministic model, for the openai SDK, curl and seatrial itself.

    Prints its base URL when it listens.
    """
    from seatrial import server

    if show:
        for id, plant in sorted(server.catalog().items()):
            click.echo(f"{id:<44} {plant.level:<6} {plant.summary}")
        return 0
    key = api_key or (os.environ.get(api_key_env) if api_key_env else None)
    try:
        settings = server.Settings(api_key=key, plants=plants, ttft_ms=ttft, itl_ms=itl)
        server.create_app(settings)
    except ValueError as error:
        raise Invalid("--defect", "", str(error)) from None
    shown = f"[{host}]" if ":" in host else host
    server.serve(settings, host, port, lambda bound: click.echo(f"http://{shown}:{bound}/v1"))
    return 0
