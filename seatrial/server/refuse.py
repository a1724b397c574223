"""Refusals: the error envelope and the exception that carries it."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A request that is not served: its status and the error that says why."""

    def __init__(
        self,
        status: int,
        message: str,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status, self.param = status, param or ""
        self.envelope: dict[str, Any] = {"error": {"message": message, "type": kind, "param": param, "code": code}}


def bad(param: str, message: str, code: str | None = None) -> Refused:
    """A 400 that names the parameter."""
    return Refused(400, message, param, code)
