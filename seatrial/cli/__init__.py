"""The command line: one module a command, found by being here."""

from __future__ import annotations

import gc
import importlib
import pkgutil
import signal
import sys

import click

from seatrial.model import Invalid, Unreachable


class _Commands(click.Group):
    """Imports the module of a command when it is used: a load test should not wait for what a check needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        found: click.Command = importlib.import_module(f"{__name__}.{cmd_name}").command
        return found


def _version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from seatrial import version  # and with it every check

        click.echo(version.said())
        context.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="What judges by what."
)
def cli() -> None:
    """Conformance and load testing for OpenAI-compatible LLM backends.

    Exit codes: 0 every applicable MUST passed; 1 one failed; 2 wrong usage or an invalid file; 3 the target cannot
    be reached or refuses the key; 4 the run is incomplete, or seatrial itself erred.
    """


def shield() -> None:
    """An interrupt no longer ends the process before its results are written; a second one does."""

    def once(signum: int, _: object) -> None:
        signal.signal(signum, signal.default_int_handler)
        click.echo("seatrial: the results are being written; once more to end without them", err=True)

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, once)


def main() -> None:
    """Runs the command line; every expected fault is one line on stderr and an exit code, never a traceback."""
    gc.set_threshold(50_000, 20, 20)  # what a start makes, stays: to look through it often takes a tenth of the start
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = 4
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except Invalid as error:
        click.echo(f"seatrial: {error}", err=True)
        code = 2
    except Unreachable as error:
        click.echo(f"seatrial: the target cannot be used: {error}", err=True)
        code = 3
    except BrokenPipeError:
        code = 4
    except OSError as error:
        click.echo(f"seatrial: {error.strerror or error}" + (f": {error.filename}" if error.filename else ""), err=True)
        code = 4
    sys.exit(code if isinstance(code, int) else 0)
