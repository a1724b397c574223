"""A peer for bench/load.py: the official SDK's asynchronous client, one client for all streams."""

import asyncio
import json
import sys
import time
from itertools import pairwise

import httpx
from openai import AsyncOpenAI

URL, STREAMS, REQUESTS, OUT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
ttft: list[float] = []
itl: list[float] = []


async def ask(client: AsyncOpenAI) -> None:
    """One stream."""
    sent, times = time.perf_counter(), []
    stream = await client.chat.completions.create(
        model="seatrial-sim",
        messages=[{"role": "user", "content": "river stone window garden " * 4}],
        max_tokens=100,
        stream=True,
    )
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            times.append(time.perf_counter())
    ttft.append(times[0] - sent)
    itl.extend(b - a for a, b in pairwise(times))


async def main() -> None:
    """So many streams at once."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    client = AsyncOpenAI(base_url=URL, api_key="none", http_client=httpx.AsyncClient(limits=limits, timeout=120))
    left = iter(range(REQUESTS))

    async def work() -> None:
        for _ in left:
            await ask(client)

    await asyncio.gather(*(work() for _ in range(STREAMS)))


def figures(values: list[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds."""
    values.sort()
    return {f"p{p}": values[int(len(values) * p / 100)] * 1000 for p in (50, 99)}


asyncio.run(main())
with open(OUT, "w") as sink:
    json.dump({"ttft": figures(ttft), "itl": figures(itl)}, sink)
