"""Makes the pictures of the README again: a check of the reference server with defects, a load test of the simulator.

    make screenshots

The reports are opened in the Chromium on this machine. Takes about two minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import browser
from bench.report import DEFECTS
from seatrial import server

HERE = Path(__file__).resolve().parent
KEY = "sk-screenshots"


def seatrial(*arguments: str) -> None:
    """Runs the command line; whatever the verdict is, a report is there then."""
    command = [sys.executable, "-m", "seatrial", *arguments]
    done = subprocess.run(
        command, env={**os.environ, "OPENAI_API_KEY": KEY}, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, browser.running() as chromium:
        check, load = Path(folder) / "check", Path(folder) / "load"
        with server.running(server.Settings(api_key=KEY, plants=DEFECTS)) as url:
            models = ("--model", "seatrial-chat", "--model", "embeddings=seatrial-embed")
            seatrial("check", url, *models, "--profile", "reference", "--out", str(check))
        seatrial("load", "sweep", "--levels", "1,4,16", "--duration", "60", "--out", str(load))
        for report, picture, height in ((check, "report.png", 1900), (load, "load-report.png", 1500)):
            page = chromium.new_page(viewport={"width": 1280, "height": height}, color_scheme="light")
            page.goto((report / "report.html").as_uri())
            page.wait_for_timeout(3000)  # the plots are drawn after the first paint
            page.screenshot(path=HERE / picture)
            print(HERE / picture)


if __name__ == "__main__":
    main()
