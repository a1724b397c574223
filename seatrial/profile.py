"""Profiles and the target: what is known of a backend family, and the one server that is tested."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from seatrial import files
from seatrial.capability import require_known, unknown
from seatrial.model import Invalid

APART = frozenset({"audio", "speech", "images", "moderations"})
"""Families that no model of text serves: asking the default one would prove nothing."""
FOLDER = Path(__file__).with_name("profiles")


@dataclass(frozen=True, slots=True)
class Known:
    """A deviation of this backend that is known: verdicts whose id or check matches are shown, but do not gate.

    With `actual`, a regular expression, only where each finding's actual value has it: the deviation as it was judged,
    and no other fault in the same place. With `expired`, the day on which it expired, it excuses nothing any more.
    """

    match: str
    reason: str
    link: str = ""
    actual: str = ""
    expired: str = ""

    def names(self, verdict_id: str, check: str) -> bool:
        """Whether it speaks of that verdict: by its id or check as written (ids have brackets), or by a glob."""
        return self.match in (verdict_id, check) or any(
            fnmatch.fnmatchcase(name, self.match) for name in (verdict_id, check)
        )

    def covers(self, verdict_id: str, check: str, actual: Iterable[str] = ()) -> bool:
        """Whether it speaks of that verdict with these findings."""
        if not self.names(verdict_id, check):
            return False
        return not self.actual or all(re.search(self.actual, text) for text in actual)

    @property
    def why(self) -> str:
        """The reason with its link."""
        return self.reason + (f" ({self.link})" if self.link else "")


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of one backend family."""

    name: str
    title: str
    capabilities: Mapping[str, bool] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    known: tuple[Known, ...] = ()
    image_url: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One server to be tested: base URL, the variable that holds its key, its models by family, its profile.

    `discovered` is what was learnt of it before the first case, such as whether it asks for a key.
    """

    base_url: str
    key_variable: str
    models: Mapping[str, str]
    profile: Profile
    discovered: Mapping[str, bool] = field(default_factory=dict)

    def model(self, family: str) -> str | None:
        """The model for a family of endpoints: the one given for it, else the default one, where that could serve it."""
        return self.models.get(family) or (None if family in APART else self.models.get("default"))

    def base_for(self, family: str) -> str:
        """The base URL for a family: the profile's prefix replaces the last segment of the target's."""
        prefix = self.profile.prefixes.get(family)
        if not prefix:
            return self.base_url
        parts = urlsplit(self.base_url)
        path = parts.path.rstrip("/").rpartition("/")[0] + "/" + prefix
        return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def base_url(text: str) -> str:
    """The base URL without a trailing slash. Raises Invalid where it is none that a client could use."""
    # What may hold a secret is not said again: user name and password, query, fragment.
    shown = re.split(r"[?#]", re.sub(r"^(\w+://)?.*@", r"\1", text, flags=re.S))[0]
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise Invalid(shown, "", "is not a URL with a host and, at most, a port from 1 to 65535") from None
    if parts.scheme not in ("http", "https"):
        raise Invalid(shown, "", "a base URL starts with http:// or https://, such as http://127.0.0.1:8000/v1")
    if re.search(r"[\s\x00-\x1f\x7f]", text):
        raise Invalid(repr(shown), "", "a base URL holds no space and no control character")
    if not parts.hostname or port == 0:
        raise Invalid(shown, "", "this base URL names no host")
    if parts.username or parts.password:
        raise Invalid(shown, "", "a base URL holds no user name or password; give the key by --api-key-env")
    if parts.query or parts.fragment:
        raise Invalid(shown, "", "a base URL has no query and no fragment")
    return text.rstrip("/")


def names(folder: Path | None = None) -> list[str]:
    """The profiles to choose from: the package's, and those of the user's folder."""
    found = {path.stem for path in FOLDER.glob("*.yaml")}
    if folder is not None and (folder / "profiles").is_dir():
        found |= {path.stem for path in (folder / "profiles").glob("*.yaml")}
    return sorted(found)


def load(name: str, folder: Path | None = None) -> Profile:
    """The profile of that name, or in that file. Raises Invalid where there is none, or it is broken."""
    candidates = [Path(name)] if name.endswith((".yaml", ".yml")) else []
    if folder is not None:
        candidates.append(folder / "profiles" / f"{name}.yaml")
    candidates.append(FOLDER / f"{name}.yaml")
    path = next((path for path in candidates if path.is_file()), None)
    if path is None or ("/" in name.removesuffix(".yaml") and path.parent == FOLDER):
        raise Invalid(
            "--profile", "", unknown("profile", name, names(folder)) + f" (known: {', '.join(names(folder))})"
        )
    source = files.read(path, "profile.schema.json")
    data: dict[str, Any] = source.data
    require_known(data.get("capabilities", {}), source, "/capabilities")
    return Profile(
        name=path.stem,
        title=data["title"],
        capabilities=data.get("capabilities", {}),
        models=data.get("models", {}),
        prefixes=data.get("prefixes", {}),
        known=tuple(
            Known(row["match"], row["reason"], row.get("link", ""), row.get("actual", ""))
            for row in data.get("known", ())
        ),
        image_url=data.get("image_url"),
        owner=data.get("owner"),
    )
