"""The tables of the history, and the way from each version of them to the next."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from seatrial import __version__
from seatrial.model import Invalid

APPLICATION = 0x5EA7217A
"""SQLite's `application_id` of our files: another program's database is never written to."""

MIGRATIONS = (
    """
    CREATE TABLE nights (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, started TEXT NOT NULL, ended TEXT, planned TEXT NOT NULL);
    CREATE TABLE runs (
      id INTEGER PRIMARY KEY, night INTEGER REFERENCES nights, target TEXT NOT NULL, base_url TEXT NOT NULL,
      profile TEXT NOT NULL, model TEXT NOT NULL, started TEXT NOT NULL, seatrial TEXT NOT NULL, tier TEXT NOT NULL,
      complete INTEGER NOT NULL, exit_code INTEGER NOT NULL, seconds REAL NOT NULL, requests INTEGER NOT NULL,
      reason TEXT NOT NULL, counts TEXT NOT NULL, folder TEXT NOT NULL, digest TEXT NOT NULL UNIQUE);
    CREATE INDEX runs_by_target ON runs (target, started);
    CREATE INDEX runs_by_night ON runs (night);
    CREATE TABLE requirements (
      id INTEGER PRIMARY KEY, verdict TEXT NOT NULL, "check" TEXT NOT NULL, scenario TEXT NOT NULL,
      "case" TEXT NOT NULL, area TEXT NOT NULL, level TEXT NOT NULL, requirement TEXT NOT NULL, spec TEXT NOT NULL,
      UNIQUE (verdict, "check", "case", area, level, requirement, spec));
    CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE verdicts (
      run INTEGER NOT NULL REFERENCES runs, requirement INTEGER NOT NULL REFERENCES requirements,
      status INTEGER NOT NULL, known INTEGER NOT NULL, exchange INTEGER, said INTEGER REFERENCES texts,
      PRIMARY KEY (run, requirement)) WITHOUT ROWID;
    CREATE TABLE loads (
      id INTEGER PRIMARY KEY, night INTEGER REFERENCES nights, target TEXT NOT NULL, base_url TEXT NOT NULL,
      profile TEXT NOT NULL, model TEXT NOT NULL, started TEXT NOT NULL, seatrial TEXT NOT NULL,
      complete INTEGER NOT NULL, exit_code INTEGER NOT NULL, summary TEXT NOT NULL, figures TEXT NOT NULL,
      folder TEXT NOT NULL, digest TEXT NOT NULL UNIQUE);
    """,
    # What changed on a night is told once: to tell it again would take all verdicts of the nights before.
    """
    CREATE TABLE changes (run INTEGER PRIMARY KEY REFERENCES runs, since INTEGER REFERENCES runs, told TEXT NOT NULL);
    """,
)


def connect(path: Path, create: bool) -> sqlite3.Connection:
    """A connection to a history of today's version; an older one is brought to it.

    Raises Invalid for what is no history, is damaged, or was written by a newer seatrial: such a file stays as it is.
    """
    if not path.exists():
        if not create:
            raise Invalid(str(path), "", "there is no history yet; `seatrial nightly` or `history --import` makes one")
        path.parent.mkdir(parents=True, exist_ok=True)
    elif path.is_dir() or (path.stat().st_size and _magic(path) != b"SQLite format 3\0"):
        raise Invalid(str(path), "", "is no history of seatrial: not an SQLite file")
    try:
        version, application, tables = _state(path) if path.exists() else (0, 0, 0)
    except sqlite3.DatabaseError as error:
        raise Invalid(str(path), "", f"cannot be read, and is left as it is: {error}") from None
    if tables and application != APPLICATION:
        raise Invalid(str(path), "", "is a database of another program, and is left as it is")
    if version > len(MIGRATIONS):
        raise Invalid(
            str(path),
            "",
            f"has version {version}; seatrial {__version__} knows {len(MIGRATIONS)}, and leaves it as it is",
        )
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    if version < len(MIGRATIONS):
        _migrate(connection, path, version)
    return connection


def _magic(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _state(path: Path) -> tuple[int, int, int]:
    """user_version, application_id and the number of tables, read without a change to the file."""
    reader = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
    try:
        (version,) = reader.execute("PRAGMA user_version").fetchone()
        (application,) = reader.execute("PRAGMA application_id").fetchone()
        (tables,) = reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (sound,) = reader.execute("PRAGMA quick_check(1)").fetchone()
    finally:
        reader.close()
    if sound != "ok":
        raise sqlite3.DatabaseError(str(sound).splitlines()[-1])
    return version, application, tables


def _migrate(connection: sqlite3.Connection, path: Path, version: int) -> None:
    script = "\n".join(MIGRATIONS[version:])
    final = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {len(MIGRATIONS)};"
    try:
        connection.executescript(f"BEGIN IMMEDIATE; {script} {final} COMMIT;")
    except sqlite3.DatabaseError as error:
        if connection.in_transaction:
            connection.rollback()
        connection.close()
        raise Invalid(str(path), "", f"cannot be brought to version {len(MIGRATIONS)}: {error}") from None
