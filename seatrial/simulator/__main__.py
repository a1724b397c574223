"""`python -m seatrial.simulator`: the simulator alone, for a process that starts fast."""

from __future__ import annotations

import argparse

from seatrial.simulator import flags, serve, timing_of


def main() -> None:
    parser = argparse.ArgumentParser("seatrial.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--truth", metavar="FILE")
    parser.add_argument("--cpu", type=int, metavar="N")
    for flag in flags():
        action = "append" if flag.repeats else "store"
        default = [] if flag.repeats else flag.default
        parser.add_argument(
            flag.option, type=flag.type, action=action, default=default, metavar=flag.metavar, help=flag.help
        )
    given = vars(parser.parse_args())
    host, port, truth, cpu = (given.pop(name) for name in ("host", "port", "truth", "cpu"))
    try:
        timing = timing_of(given)
    except ValueError as error:
        parser.error(str(error))
    shown = f"[{host}]" if ":" in host else host
    serve(timing, host, port, lambda bound: print(f"http://{shown}:{bound}/v1", flush=True), truth, cpu)


main()
