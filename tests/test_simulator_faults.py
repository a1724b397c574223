"""The faults that the simulator plants, in streams, plain answers and jobs, and its queues P0 to P6."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seatrial.simulator import Timing, running
from seatrial.simulator.timing import JOB_FAULTS, PLAIN_FAULTS, STREAM_FAULTS
from tests.simulated import ask, client, last_chunk, post, raw, rows, stats, wait_for

# Faults


def faulty(
    name: str, path: Path, until: Callable[[bytes], bool] = last_chunk, timeout: float = 2, **more: Any
) -> bytes:
    """The raw answer of a server that plants this in all requests; its truth names it."""
    options = {"include_usage": True} if more.get("stream") else None
    with running(Timing(itl=1, fault=(f"{name}:1",)), path) as url:
        got = raw(url, post(ask("n", max_tokens=8, stream_options=options, **more)), until, timeout)
    assert [row["fault"] for row in rows(path)] == [name]
    return got


def test_every_fault_shows_on_the_wire_of_a_stream(tmp_path: Path) -> None:
    def see(name: str, **more: Any) -> bytes:
        return faulty(name, tmp_path / f"{name}.jsonl", stream=True, **more)

    tokens, finish, done = b'"delta":{"content":', b'"finish_reason":"length"', b"data: [DONE]"
    got = see("unterminated")
    assert (got.count(tokens), got.count(finish), got.count(done)) == (8, 0, 0)
    got = see("missing-done")
    assert (got.count(finish), got.count(done)) == (1, 0)
    got = see("two-terminals")
    assert (got.count(finish), got.count(done)) == (2, 1)
    got = see("crossed")
    ids = re.findall(rb'"id":"([^"]+)"', got)
    assert len(set(ids)) == 2
    assert min(ids.count(id) for id in ids) == 1
    assert got.count(done) == 1
    got = see("error-event")
    assert got.count(b'data: {"error":{') == 1
    assert (got.count(tokens), got.count(finish), got.count(done)) == (4, 0, 0)
    got = see("http-500", until=lambda data: data.endswith(b"}}"))
    assert got.startswith(b"HTTP/1.1 500 ")
    assert b'"type":"server_error"' in got
    got = see("empty")
    assert (got.count(tokens), got.count(done)) == (0, 1)
    assert b'"completion_tokens":0' in got
    assert b'"completion_tokens":15' in see("wrong-usage")
    got = see("truncated")
    assert got.endswith(b'40\r\ndata: {"id":"<FIN>')
    with pytest.raises(ConnectionResetError):
        see("reset")
    got = see("hang", timeout=0.3)
    assert got.count(tokens) == 3
    assert not got.endswith(b"<FIN>")


def test_every_fault_shows_on_a_plain_answer(tmp_path: Path) -> None:
    def see(name: str) -> bytes:
        return faulty(name, tmp_path / f"{name}.jsonl", lambda got: got.endswith(b"}"), 0.3)

    assert see("http-500").startswith(b"HTTP/1.1 500 ")
    assert b'"content":""' in see("empty")
    assert b'"completion_tokens":15' in see("wrong-usage")
    assert see("truncated").endswith(b"<FIN>")
    with pytest.raises(ConnectionResetError):
        see("reset")
    assert see("hang") == b""
    assert set(PLAIN_FAULTS) == {"http-500", "empty", "wrong-usage", "truncated", "reset", "hang"}
    assert set(PLAIN_FAULTS) < set(STREAM_FAULTS)


def test_faults_are_drawn_from_the_seed(tmp_path: Path) -> None:
    def drawn(seed: int) -> list[str | None]:
        path = tmp_path / "truth.jsonl"
        with (
            running(Timing(fault=("http-500:0.3", "wrong-usage:0.2"), seed=seed), path) as url,
            httpx.Client() as http,
        ):
            for _ in range(100):
                http.post(f"{url}/chat/completions", json=ask(max_tokens=1))
        return [row["fault"] for row in rows(path)]

    first = drawn(1)
    assert first == drawn(1)
    assert first != drawn(2)
    assert 15 <= first.count("http-500") <= 45
    assert 8 <= first.count("wrong-usage") <= 35


# Queues


@contextlib.contextmanager
def queue(ttft: float = 80) -> Iterator[tuple[httpx.Client, str]]:
    """A server with one slot and jobs of so many milliseconds; a client of its root."""
    with (
        running(Timing(ttft=ttft, slots=1)) as url,
        httpx.Client(base_url=url.removesuffix("/v1"), timeout=10) as http,
    ):
        yield http, url


def content(body: Any) -> str:
    return body["choices"][0]["message"]["content"]


def test_p0_blocks_and_runs_a_job_though_its_client_left() -> None:
    with queue() as (http, url):
        api = client(url.replace("/v1", "/queue"))
        assert [model.id for model in api.models.list()] == ["seatrial-sim"]
        chat = api.chat.completions.create(model="m", messages=[{"role": "user", "content": "nonce:a"}], max_tokens=1)
        assert chat.choices[0].message.content == "nonce:a "
        assert api.completions.create(model="m", prompt="nonce:b", max_tokens=1).choices[0].text == "nonce:b "
        assert api.embeddings.create(model="m", input="x").data[0].embedding

        body, key = ask("left", max_tokens=1), {"Idempotency-Key": "k"}
        with pytest.raises(httpx.ReadTimeout):
            http.post("/queue/chat/completions", json=body, timeout=0.03)
        wait_for(lambda: stats(url)["finished"] == 4)
        assert stats(url)["cancelled"] == 0
        http.post("/queue/chat/completions", json=body)
        assert stats(url)["duplicated"] == 1

        body = ask("key", max_tokens=1)
        with pytest.raises(httpx.ReadTimeout):
            http.post("/queue/chat/completions", json=body, headers=key, timeout=0.03)
        joined = http.post("/queue/chat/completions", json=body, headers=key).json()
        assert joined == http.post("/queue/chat/completions", json=body, headers=key).json()
        assert content(joined) == "nonce:key "
        assert stats(url)["duplicated"] == 1


def test_p1_polls_an_id() -> None:
    with queue(300) as (http, _):
        posted = [http.post("/v1/async/chat/completions", json=ask(name, max_tokens=1)) for name in "ab"]
        assert [answer.status_code for answer in posted] == [202, 202]
        assert posted[0].json()["status"] == "pending"
        paths = [f"/v1/async/chat/completions/{answer.json()['id']}" for answer in posted]
        polls = [http.get(path) for path in paths]
        assert [(poll.status_code, poll.json()["status"]) for poll in polls] == [(202, "processing"), (202, "pending")]
        done = wait_for(lambda: (poll := http.get(paths[1])).status_code == 200 and poll.json())
        assert done["status"] == "completed"
        assert content(done["result"]) == "nonce:b "


def test_p2_gives_urls() -> None:
    with queue(300) as (http, _):
        jobs = [http.post("/v1/queue/submit", json=ask(name, max_tokens=1)).json() for name in "abc"]
        assert [job["queue_position"] for job in jobs] == [0, 1, 2]
        assert jobs[1]["status"] == "IN_QUEUE"
        status = http.get(jobs[1]["status_url"])
        assert (status.status_code, status.json()["status"]) == (202, "IN_QUEUE")
        assert http.get(jobs[1]["response_url"]).status_code == 400
        assert http.put(jobs[2]["cancel_url"]).status_code == 202
        wait_for(lambda: http.get(jobs[1]["status_url"]).status_code == 200)
        assert http.get(jobs[1]["status_url"]).json()["status"] == "COMPLETED"
        assert content(http.get(jobs[1]["response_url"]).json()) == "nonce:b "
        assert http.put(jobs[1]["cancel_url"]).json() == {"status": "ALREADY_COMPLETED"}
        assert http.get(jobs[2]["response_url"]).json()["error"]["code"] == "cancelled"


def test_p3_says_the_id_in_a_header() -> None:
    with queue(300) as (http, _):
        posted = http.post("/v1/pexec/chat/completions", json=ask("a", max_tokens=1))
        assert (posted.status_code, posted.content) == (202, b"")
        path = f"/v1/pexec/status/{posted.headers['nvcf-reqid']}"
        assert http.get(path).status_code == 202
        done = wait_for(lambda: (poll := http.get(path)).status_code == 200 and poll)
        assert done.headers["nvcf-status"] == "fulfilled"
        assert content(done.json()) == "nonce:a "


def test_p4_gives_a_location_where_asynchrony_is_preferred() -> None:
    with queue(300) as (http, url):
        assert content(http.post("/v1/operations/chat/completions", json=ask("s", max_tokens=1)).json()) == "nonce:s "
        prefer = {"Prefer": "respond-async, wait=5"}
        posted = [http.post("/v1/operations/chat/completions", json=ask(n, max_tokens=1), headers=prefer) for n in "ab"]
        assert [answer.status_code for answer in posted] == [202, 202]
        where = [answer.headers["location"] for answer in posted]
        assert where == [answer.headers["operation-location"] for answer in posted]
        assert posted[0].headers["retry-after"] == "1"
        polls = [http.get(place) for place in where]
        assert [poll.json()["status"] for poll in polls] == ["Running", "NotStarted"]
        assert polls[0].headers["retry-after"] == "1"
        assert http.delete(where[1]).status_code == 204
        wait_for(lambda: http.get(where[0]).json()["status"] == "Succeeded")
        assert content(http.get(where[0]).json()["result"]) == "nonce:a "
        assert http.get(where[1]).json()["status"] == "Canceled"
        assert stats(url)["cancelled"] == 1


def test_p5_responds_in_the_background() -> None:
    with queue(500) as (_, url):
        api = client(url)
        first, second, third = (
            api.responses.create(model="m", input=f"nonce:{n}", background=True, max_output_tokens=1) for n in "abc"
        )
        assert (second.status, second.background) == ("queued", True)
        assert [api.responses.retrieve(job.id).status for job in (first, second)] == ["in_progress", "queued"]
        assert api.responses.cancel(third.id).status == "cancelled"
        done = wait_for(lambda: (got := api.responses.retrieve(second.id)).status == "completed" and got)
        assert done.output_text == "nonce:b "
        assert done.id == second.id


def test_p6_batches_a_file() -> None:
    with queue() as (_, url):
        api = client(url)
        lines = [
            {"custom_id": f"c{n}", "method": "POST", "url": "/v1/chat/completions", "body": ask(f"n{n}", max_tokens=1)}
            for n in range(3)
        ]
        data = "\n".join(json.dumps(line) for line in lines).encode()
        file = api.files.create(file=("in.jsonl", data), purpose="batch")
        assert (file.bytes, file.filename) == (len(data), "in.jsonl")
        assert api.files.content(file.id).content == data
        batch = api.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        seen = [batch.status]

        def completed() -> Any:
            found = api.batches.retrieve(batch.id)
            seen.append(found.status)
            return found.status == "completed" and found

        done = wait_for(completed)
        assert list(dict.fromkeys(seen)) == ["validating", "in_progress", "finalizing", "completed"]
        assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (3, 3, 0)
        answers = [json.loads(line) for line in api.files.content(done.output_file_id).text.splitlines()]
        assert {row["custom_id"]: content(row["response"]["body"]) for row in answers} == {
            f"c{n}": f"nonce:n{n} " for n in range(3)
        }
        again = api.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        assert api.batches.cancel(again.id).status == "cancelling"
        wait_for(lambda: api.batches.retrieve(again.id).status == "cancelled")
        wrong = api.batches.create(input_file_id=file.id, endpoint="/v1/embeddings", completion_window="24h")
        wait_for(lambda: api.batches.retrieve(wrong.id).status == "failed")


def test_jobs_have_their_own_faults(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"

    def jobs(name: str, count: int, until: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        with (
            running(Timing(ttft=5, fault=(f"{name}:1",)), path) as url,
            httpx.Client(base_url=url, timeout=10) as http,
        ):
            ids = [
                http.post("/async/chat/completions", json=ask(f"n{n}", max_tokens=1)).json()["id"] for n in range(count)
            ]
            wait_for(lambda: until(stats(url)))
            found = [http.get(f"/async/chat/completions/{id}").json() for id in ids]
        assert {row["fault"] for row in rows(path)} == {name}
        return found

    assert [row["status"] for row in jobs("lost-job", 2, lambda seen: seen["lost"] == 2)] == ["pending"] * 2
    assert [row["finished"] for row in rows(path)] == [False, False]
    failed = jobs("failed-job", 1, lambda seen: seen["broken"] == 1)[0]
    assert (failed["status"], failed["error"]["type"]) == ("failed", "server_error")
    assert content(jobs("duplicate-run", 1, lambda seen: seen["finished"] == 2)[0]["result"]) == "nonce:n0 "
    assert [row["nonce"] for row in rows(path)] == ["n0", "n0"]
    swapped = jobs("swapped-answer", 2, lambda seen: seen["finished"] == 2)
    assert [content(row["result"]) for row in swapped] == ["nonce:another ", "nonce:n0 "]
    assert set(JOB_FAULTS) == {"lost-job", "failed-job", "duplicate-run", "swapped-answer"}
