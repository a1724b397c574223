"""A peer for bench/load.py: Locust as shipped, `HttpUser` and `iter_lines`, parsing each event as it comes."""

import json
import sys
import time
from itertools import pairwise

import gevent
from locust import HttpUser, constant, task
from locust.env import Environment

URL, STREAMS, REQUESTS, OUT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
BODY = {
    "model": "seatrial-sim",
    "messages": [{"role": "user", "content": "river stone window garden " * 4}],
    "max_tokens": 100,
    "stream": True,
}
ttft: list[float] = []
itl: list[float] = []


class Streams(HttpUser):
    """Asks and reads, again and again."""

    host = URL
    wait_time = constant(0)

    @task
    def ask(self) -> None:
        """One stream."""
        sent, times = time.perf_counter(), []
        with self.client.post("/chat/completions", json=BODY, stream=True, catch_response=True) as response:
            for line in response.iter_lines():
                if line.startswith(b"data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
                    times.append(time.perf_counter())
        ttft.append(times[0] - sent)
        itl.extend(b - a for a, b in pairwise(times))
        if len(ttft) >= REQUESTS:
            gevent.spawn(environment.runner.quit)


def figures(values: list[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds."""
    values.sort()
    return {f"p{p}": values[int(len(values) * p / 100)] * 1000 for p in (50, 99)}


environment = Environment(user_classes=[Streams], host=URL)
environment.create_local_runner().start(STREAMS, STREAMS)
environment.runner.greenlet.join()
with open(OUT, "w") as sink:
    json.dump({"ttft": figures(ttft), "itl": figures(itl)}, sink)
