"""results.json read back, or made of a run's record: what history, comparison and the nightly site work from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seatrial import formats, run
from seatrial.loading import report_formats
from seatrial.model import Invalid
from seatrial.pointer import pointer

FORMAT = 1


def read(path: Path, checked: bool = True) -> dict[str, Any]:
    """The results of a results.json, a run.jsonl, or the folder of a run.

    `checked` holds a file that others may have changed to its schema. Raises Invalid where it cannot be used.
    """
    if path.is_dir():
        path = next((path / name for name in ("results.json", "run.jsonl") if (path / name).is_file()), path)
        if path.is_dir():
            raise Invalid(str(path), "", "is no run's folder: it holds no results.json and no run.jsonl")
    if path.suffix == ".jsonl":
        found: dict[str, Any] = report_formats()["json"].results(run.read(path, checked=checked))
        return found
    return _file(path, checked)


def _file(path: Path, checked: bool) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise Invalid(str(path), "", f"cannot be read: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise Invalid(str(path), "", f"is not JSON: {error.msg}", error.lineno) from None
    except (ValueError, RecursionError) as error:
        raise Invalid(str(path), "", f"is not JSON: {error}") from None
    formats.hold(path, data.get("format") if isinstance(data, dict) else None, FORMAT)
    if checked:
        from seatrial import schema  # and with it jsonschema, which a load test need not wait for

        wrong = next(schema.validator("results.schema.json").iter_errors(data), None)
        if wrong is not None:
            raise Invalid(str(path), pointer(wrong.absolute_path), wrong.message[:300])
    return dict(data)
