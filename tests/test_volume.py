"""The measurement of large numbers works, in small ones; the large ones are in docs/limits.md."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_measurement_of_volume_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.volume", "--verdicts", "0", "--requests", "300", "--runs", "3"]
    ran = subprocess.run(
        [*command, "--limit", "120", "--most", "1024"], cwd=ROOT, capture_output=True, text=True, timeout=400
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "300 requests, 0 failed" in ran.stdout
    assert "history --import of 3 runs" in ran.stdout
    assert "ended or failed: none" in ran.stdout
