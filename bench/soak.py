"""Memory of the load client over a long run: resident size after each tenth of the requests.

python bench/soak.py [--requests 20000]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from seatrial import simulator


def resident(pid: int) -> float:
    """MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Runs the soak and prints the sizes; exit code 1 where the second half grew by more than 5 %."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    given = parser.parse_args()
    sizes: list[float] = []
    with tempfile.TemporaryDirectory(prefix="seatrial-soak-") as name:
        out = Path(name) / "run"
        with simulator.running(simulator.Timing(ttft=20, itl=2, max_output=20, fault=("reset:0.01",))) as url:
            words = ["load", "soak", url, "--users", "16", "--requests", str(given.requests), "--out", str(out)]
            command = [sys.executable, "-m", "seatrial", *words, "--workload", "short"]
            child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            lines = out / "requests.jsonl"
            while child.poll() is None and len(sizes) < 10:
                time.sleep(0.2)
                done = lines.read_bytes().count(b"\n") if lines.exists() else 0
                if done >= given.requests * (len(sizes) + 1) / 10.5:
                    sizes.append(resident(child.pid))
                    print(f"{done:>8} requests  {sizes[-1]:7.1f} MB", flush=True)
            child.wait()
    middle, last = sizes[len(sizes) // 2], sizes[-1]
    print(f"second half: {last / middle - 1:+.1%}")
    sys.exit(last > middle * 1.05)


if __name__ == "__main__":
    main()
