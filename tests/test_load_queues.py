"""Queues under load: every job is accounted for, and what is lost, mixed or done twice is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loads import load, simulated


@pytest.mark.parametrize("pattern", ["P0", "P1", "P2", "P3", "P4", "P5", "P6"])
def test_every_queue_pattern_accounts_for_its_jobs(tmp_path: Path, pattern: str) -> None:
    with simulated(ttft=10, itl=0, slots=4) as url:
        words = ["--queue", pattern, "--users", "4", "--requests", "8", "--workload", "short", "--timeout", "20"]
        code, found, said = load(tmp_path / "run", "queue", url, *words)
    assert code == 0, said
    queue = found["queue"]
    jobs = 160 if pattern == "P6" else 8
    assert (queue["submitted"], queue["completed"], queue["verified"], queue["accounted"]) == (jobs, jobs, jobs, True)
    assert found["throughput"]["jobs_per_s"] > 0


@pytest.mark.parametrize(
    ("fault", "name"), [("lost-job", "overdue"), ("swapped-answer", "wrong_answer"), ("failed-job", "failed")]
)
def test_a_queue_that_loses_or_mixes_jobs_is_seen(tmp_path: Path, fault: str, name: str) -> None:
    with simulated(ttft=10, itl=0, slots=4, fault=(f"{fault}:0.4",)) as url:
        words = ["--queue", "P1", "--users", "4", "--requests", "20", "--workload", "short", "--timeout", "2"]
        code, found, said = load(tmp_path / "run", "queue", url, *words)
    assert code == 1, said
    queue = found["queue"]
    assert queue[name] >= 2
    ended = queue["completed"] + queue["failed"] + queue["cancelled"] + queue["pending"]
    assert ended == queue["submitted"] == 20
    assert queue["accounted"] is (fault == "failed-job")


@pytest.mark.parametrize("idempotent", [False, True])
def test_a_time_out_that_became_a_second_execution_is_seen(tmp_path: Path, idempotent: bool) -> None:
    header = "idempotency_header: Idempotency-Key\n" if idempotent else ""
    (tmp_path / "p.yaml").write_text(
        f"title: t\nsubmit: {{sibling: queue}}\nretries: 3\n{header}"
        "executions: {path: /seatrial/stats, at: /duplicated}\n"
    )
    with simulated(ttft=900, itl=0) as url:
        words = [
            "--queue",
            str(tmp_path / "p.yaml"),
            "--users",
            "3",
            "--requests",
            "3",
            "--workload",
            "short",
            "--timeout",
            "0.5",
        ]
        code, found, said = load(tmp_path / "run", "queue", url, *words)
    queue = found["queue"]
    assert queue["retries"] >= 3
    if idempotent:
        assert (code, queue["second_executions"], queue["completed"]) == (0, 0, 3), said
    else:
        assert code == 1
        assert queue["second_executions"] >= 3
