"""Runs LiteLLM's proxy in front of another server until its parent ends; prints its base URL when it is healthy.

Needs `litellm[proxy]` (requirements/litellm.txt). The key of the other server, and its own, is SEATRIAL_REAL_KEY.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from seatrial.backends import lifetime


def main() -> int:
    """0 when ended by its parent or a signal; 1 where the proxy did not start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", required=True, help="base URL of the server behind it")
    parser.add_argument("--model", default="gemma-3-270m", help="the model there")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--log", type=Path, default=Path(".cache/litellm.log"))
    given = parser.parse_args()
    port = given.port or lifetime.free_port()
    key = f"os.environ/{lifetime.KEY}"
    there = {"model": f"openai/{given.model}", "api_base": given.upstream, "api_key": key}
    settings = {
        "model_list": [{"model_name": given.model, "litellm_params": there}],
        "general_settings": {"master_key": key},
        "litellm_settings": {"num_retries": 0},
    }
    environment = {
        **os.environ,
        # What no configured model serves (files, batches) would else be sent to the public API.
        "OPENAI_BASE_URL": "http://127.0.0.1:9",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_TELEMETRY": "False",
    }
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
        command = [str(Path(sys.executable).parent / "litellm"), "--config", str(config)]
        command += ["--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
        return lifetime.stay(command, port, "/health/liveliness", given.log, environment)


if __name__ == "__main__":
    sys.exit(main())
