"""`python -m seatrial.hostile [GLOB ...]`: the table of every behaviour, and what each command made of it."""

from __future__ import annotations

import argparse
import fnmatch
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from seatrial.hostile import behaviours
from seatrial.hostile.table import possible, try_one


def main() -> int:
    """0 where every command made of every behaviour what it should."""
    parser = argparse.ArgumentParser(prog="python -m seatrial.hostile", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="GLOB", help="only these behaviours")
    parser.add_argument("--command", choices=("check", "load"), help="only this command")
    parser.add_argument("--jobs", type=int, default=3, help="how many at a time")
    parser.add_argument("--out", type=Path, help="where the runs are kept (default: nowhere)")
    given = parser.parse_args()
    chosen = [
        (one, command)
        for one in behaviours().values()
        for command, outcome in (("check", one.check), ("load", one.load))
        if outcome and given.command in (None, command) and possible(one)
        if not given.only or any(fnmatch.fnmatchcase(one.id, pattern) for pattern in given.only)
    ]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.jobs) as pool:
        out = given.out or Path(folder)
        for row in pool.map(lambda pair: try_one(pair[0], pair[1], out / pair[0].id / pair[1]), chosen):
            wrong += bool(row.wrong)
            print(row, flush=True)
    print(f"{len({one.id for one, _ in chosen})} behaviours, {len(chosen)} runs, {wrong} not as they should be")
    return 1 if wrong or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
