"""One request to a route of a family, and the ways to answer it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File
from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plant import Json
from seatrial.server.refuse import Refused

if TYPE_CHECKING:
    from seatrial.server.app import Server


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a form."""

    name: str
    media: str
    data: bytes


@dataclass(slots=True)
class Form:
    """A multipart body: the texts of each field in their order, and its files."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[Upload]] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """The first text of a field; None without one."""
        return next(iter(self.texts.get(name, ())), None)

    def file(self, name: str) -> Upload | None:
        """The first file of a field; None without one."""
        return next(iter(self.files.get(name, ())), None)


def _read(name: str, text: str, kind: type) -> Any:
    """The text as a value of that kind. Raises Refused where it is none."""
    try:
        return {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError) as error:
        raise Refused(400, f"Invalid type for '{name}': {text[:40]!r}.", name, "invalid_type") from error


@dataclass(frozen=True, slots=True)
class Call:
    """A request, its body read whole. `route` is what plants know it by: `POST /files`."""

    server: Server
    request: Request
    body: bytes
    route: str

    @property
    def path(self) -> dict[str, str]:
        """The parameters of the path."""
        return self.request.path_params

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the query; of one given twice, the last."""
        return dict(self.request.query_params)

    @property
    def origin(self) -> str:
        """The server's own scheme and authority, as this client knows them."""
        return f"{self.request.url.scheme}://{self.request.url.netloc}"

    def json(self, validate: Callable[[Json], None] | None = None) -> Json:
        """The body, a JSON object that `validate` (which raises Refused) has nothing against. Raises Refused."""
        parsed = self.server.json(self.request, self.body, self.route)
        if validate is not None:
            self.server.valid(lambda: validate(parsed), self.route, parsed)
        return parsed

    def form(self) -> Form:
        """The body, a multipart form. Raises Refused for anything else."""
        media = self.request.headers.get("content-type", "")
        if media.split(";")[0].strip().lower() != "multipart/form-data":
            raise Refused(415, "Unsupported content type. Use multipart/form-data.", None, "unsupported_media_type")
        made = Form()

        def on_field(one: Field) -> None:
            made.texts.setdefault((one.field_name or b"").decode(), []).append((one.value or b"").decode())

        def on_file(one: File) -> None:
            one.file_object.seek(0)
            upload = Upload((one.file_name or b"").decode(), one.content_type or "", one.file_object.read())
            one.close()  # what is large lies in a file of its own
            made.files.setdefault((one.field_name or b"").decode(), []).append(upload)

        try:
            headers = {"Content-Type": media.encode("latin-1"), "Content-Length": str(len(self.body)).encode()}
            parse_form(headers, io.BytesIO(self.body), on_field, on_file)
        except (FormParserError, UnicodeDecodeError) as error:
            raise Refused(400, f"We could not parse the form: {error}.", None, "invalid_form") from error
        return made

    def fields(self, kinds: Mapping[str, type], validate: Callable[[Json], None]) -> Json:
        """The body, a form, as one object that `validate` has nothing against. Raises Refused.

        A text is read as its kind (`bool`, `int`, `float`; a string without one), a file is an Upload, and a field
        `name[]` is a list under `name`.
        """
        form = self.form()
        found: Json = {}
        for name, texts in form.texts.items():
            read = [_read(name, text, kinds.get(name, str)) for text in texts]
            found[name.removesuffix("[]")] = read if name.endswith("[]") else read[0]
        for name, files in form.files.items():
            found[name.removesuffix("[]")] = files if name.endswith("[]") else files[0]
        for change in self.server.plants.each("body"):
            found = change(self.route, found)
        self.server.valid(lambda: validate(found), self.route, found)
        return found

    def answer(self, result: Any, body: Json | None = None, status: int = 200) -> Response:
        """A JSON answer, or whatever is planted in its place."""
        return self.server.plain(self.route, body or {}, result, status)

    def bytes(self, data: bytes, media: str, body: Json | None = None) -> Response:
        """An answer of bytes, or whatever is planted in its place."""
        return self.server.plain(self.route, body or {}, data, media=media)

    def stream(self, body: Json, events: Iterator[Json], named: bool = True) -> Response:
        """A stream: of events that bear their type's name, or of chunks that end with `[DONE]`."""
        return self.server.stream(self.route, body, events, named)

    def store(self, name: str, make: Callable[[], Any]) -> Any:
        """What the family keeps between requests, made by `make` the first time it is asked for."""
        return self.server.store(name, make)
