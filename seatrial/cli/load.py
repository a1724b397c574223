"""`seatrial load`: a load profile against a target."""

from __future__ import annotations

import contextlib
import os

import click

from seatrial.cli import shield
from seatrial.model import Invalid


@click.command("load")
@click.argument("profile", metavar="PROFILE")
@click.argument("url", required=False)
@click.option(
    "--users", type=click.IntRange(1), metavar="N", help="Users at once (closed loop); the top of a ramp or sweep."
)
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="R", help="Requests per second (open loop).")
@click.option("--arrivals", type=click.Choice(["poisson", "constant"]), default="poisson", help="Of the open loop.")
@click.option("--duration", type=click.FloatRange(0, min_open=True), metavar="S", help="Seconds.")
@click.option("--requests", type=click.IntRange(1), metavar="N", help="End after so many requests.")
@click.option(
    "--warmup", type=click.FloatRange(0), metavar="S", help="Seconds not counted.  [default: a tenth, at most 10]"
)
@click.option("--model", metavar="ID", help="Default: the first that the target lists.")
@click.option(
    "--api-key-env", default="OPENAI_API_KEY", metavar="NAME", show_default=True, help="Variable that holds the key."
)
@click.option("--workload", metavar="NAME|FILE", help="Prompts and lengths.")
@click.option("--levels", metavar="N,N,...", help="The levels of a sweep.")
@click.option("--queue", metavar="P0..P6|FILE", help="The queue's pattern.")
@click.option("--slo", metavar="FILE", help="Limits to hold; exit code 1 where they are missed.")
@click.option("--abort", is_flag=True, help="Stop as soon as the SLO cannot hold.")
@click.option("--processes", type=click.IntRange(1, 256), default=1, show_default=True, help="Cores to use.")
@click.option(
    "--ui", type=click.IntRange(0, 65535), metavar="PORT", is_flag=False, flag_value=8089, help="Locust's web UI."
)
@click.option(
    "--prometheus", type=click.IntRange(1, 65535), metavar="PORT", help="Live figures at http://127.0.0.1:PORT/metrics."
)
@click.option("--out", metavar="DIR", help="Where the run is written.  [default: results/TIME-load-PROFILE]")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--connect-timeout", type=click.FloatRange(0.1, 600), default=10.0, show_default=True)
@click.option(
    "--first-timeout", type=click.FloatRange(0.1, 3600), default=120.0, show_default=True, help="To the first token."
)
@click.option(
    "--idle-timeout", type=click.FloatRange(0.1, 3600), default=60.0, show_default=True, help="Between two reads."
)
@click.option(
    "--timeout", type=click.FloatRange(0.1, 86400), default=600.0, show_default=True, help="One request in all."
)
@click.option(
    "--max-body",
    type=click.FloatRange(0.1, 1024),
    default=64.0,
    show_default=True,
    metavar="MIB",
    help="Of one answer.",
)
@click.option(
    "--grace", type=click.FloatRange(0), default=30.0, show_default=True, help="For requests under way at the end."
)
@click.option(
    "--keep", type=click.FloatRange(0, 1), default=0.01, show_default=True, help="Share of streams judged as by check."
)
@click.option("--no-reuse", is_flag=True, help="A new connection for each request.")
@click.option("--insecure", is_flag=True, help="Do not verify the certificate.")
@click.option("--tokenizer", metavar="FILE", help="tokenizer.json, for servers that send no usage.")
@click.option("--extra-body", metavar="JSON", help="Members for each request's body; null takes one away.")
def command(
    profile: str, url: str | None, processes: int, ui: int | None, prometheus: int | None, **given: object
) -> int:
    """Measures what a base URL carries. Without URL: the embedded simulator.

    PROFILE is the name of a load profile (see `seatrial list loads`), a file like those of locustfiles/, or `capacity`:
    the highest rate that holds the SLO.
    """
    from seatrial.load.options import Options

    url = url or os.environ.get("OPENAI_BASE_URL")
    options = Options.of({**given, "url": url or "http://127.0.0.1:9/v1"})
    _ = options.extra  # what is wrong with it is said before anything is started
    if options.slo:
        from seatrial.load import slo

        slo.load(options.slo)
    with contextlib.ExitStack() as stack:
        if url is None:
            os.environ.pop(options.api_key_env, None)  # the simulator asks for none
            from seatrial import simulator

            if options.queue is None and profile != "queue":
                timing = simulator.Timing(ttft=200, itl=20, slots=64, jitter=0.1)
            else:
                timing = simulator.Timing(ttft=50, itl=5, slots=4)
            options.url = stack.enter_context(simulator.running(timing))
        if profile == "capacity":
            if not options.slo:
                raise Invalid("--slo", "", "capacity needs the SLO to hold")
            from seatrial.load import capacity

            return capacity.find(options, processes)
        from seatrial.load import control

        if ui is not None and ui == 0:
            raise Invalid("--ui", "", "expected a port")
        session = control.run(profile, options, processes, ui, prometheus=prometheus)
        shield()
        from seatrial.load import finish

        return finish.finish(session)
