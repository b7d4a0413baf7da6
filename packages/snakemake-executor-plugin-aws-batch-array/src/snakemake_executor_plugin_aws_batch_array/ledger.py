"""A record of all submissions, each written in advance so that a restart finds it again."""

import fcntl
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from snakemake_interface_common.exceptions import WorkflowError

# The tables before the one that jobs are in: a ledger without others was never finished.
_FIRST_TABLES = {"runs", "arrays"}
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (prefix TEXT PRIMARY KEY, definition TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS arrays (
    name TEXT PRIMARY KEY, prefix TEXT NOT NULL, queue TEXT NOT NULL, size INTEGER NOT NULL,
    job_id TEXT, submitted REAL NOT NULL, cancelled INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS children (
    array TEXT NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, target TEXT NOT NULL,
    PRIMARY KEY (array, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waiting (
    queue TEXT PRIMARY KEY, reason TEXT NOT NULL, since REAL NOT NULL);
"""

_HAS_WAITING = "SELECT 1 FROM sqlite_master WHERE name = 'waiting'"
_WAITING = "SELECT queue, reason, since FROM waiting ORDER BY queue"
_OPEN_JOBS = """
SELECT children.target, arrays.job_id FROM children
JOIN arrays ON arrays.name = children.array WHERE NOT arrays.cancelled
"""
_RUNS = """
SELECT runs.prefix, children.target FROM runs
LEFT JOIN arrays ON arrays.prefix = runs.prefix AND NOT arrays.cancelled
LEFT JOIN children ON children.array = arrays.name
"""


# https://www.sqlite.org/pragma.html#pragma_user_version
_COPY = 1


class LedgerError(Exception):
    """The record of submissions cannot be read; the message names the file."""


@dataclass(frozen=True)
class Waiting:
    """Why jobs in a queue wait, in the words of Batch, and since when (seconds since the epoch)."""

    queue: str
    reason: str
    since: float


@dataclass(frozen=True)
class OpenJobs:
    """Jobs that were submitted and are not closed.

    Attributes:
        targets: The first output of each job.
        job_ids: Ids of the array jobs that they are children of.
        waiting: The queues in which jobs wait, if Batch has given a reason.
    """

    targets: tuple[str, ...] = ()
    job_ids: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()


@dataclass(frozen=True)
class OpenChild:
    """A child that is not closed: the digest of its work and its first output."""

    key: str
    target: str


def get_child_id(job_id: str, index: int, size: int) -> str:
    """Id of a child of an array; an array of size one is a plain job.

    https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html
    """
    return f"{job_id}:{index}" if size > 1 else job_id


@dataclass
class OpenArray:
    """An array with children that are not closed.

    Attributes:
        name: Unique name of the Batch job.
        prefix: Folder of its run in the bucket.
        queue: Where it was submitted.
        size: Number of its children.
        job_id: None if the controller died before it had the answer to SubmitJob.
        submitted: Seconds since the epoch.
        cancelled: 1 if the controller terminated it, else 0.
        children: The children by index.
    """

    name: str
    prefix: str
    queue: str
    size: int
    job_id: str | None
    submitted: float
    cancelled: int
    children: dict[int, OpenChild]

    def get_child_id(self, index: int) -> str:
        """Id of a child, once the array has one."""
        return get_child_id(str(self.job_id), index, self.size)


def lock_folder(folder: Path) -> IO[str]:
    """Keep other controllers out; the kernel releases the lock however this process ends.

    Raises:
        WorkflowError: another controller works here, or the file system has no locks.
    """
    handle = (folder / "lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        # https://man7.org/linux/man-pages/man2/flock.2.html (EWOULDBLOCK)
        if not isinstance(error, BlockingIOError):
            raise WorkflowError(
                f"the file system of {str(folder)!r} does not lock files (flock: {error.strerror}),"
                " so that nothing would keep a second Snakemake from submitting the same jobs; put "
                "--aws-batch-array-report-dir on a disk of this machine"
            ) from error
        raise WorkflowError(
            f"another Snakemake submits to AWS Batch from {str(folder)!r}; wait until it has "
            "ended or stop it, or use another --aws-batch-array-report-dir for another run"
        ) from error
    return handle


def read_open_jobs(path: Path) -> OpenJobs:
    """Read a ledger that a controller may be writing; no file means no open job.

    Raises:
        LedgerError: the file is no ledger.
    """
    rows = _read(path, _OPEN_JOBS)
    job_ids = {job_id for _, job_id in rows if job_id}
    # A ledger of an earlier version lacks this table.
    waiting = _read(path, _WAITING) if rows and _read(path, _HAS_WAITING) else []
    return OpenJobs(
        targets=tuple(target for target, _ in rows),
        job_ids=tuple(sorted(job_ids)),
        waiting=tuple(Waiting(*row) for row in waiting),
    )


def read_runs(path: Path) -> dict[str, set[str]]:
    """Read the targets of open jobs by the prefix of their run, of every run on record.

    Raises:
        LedgerError: the file is no ledger.
    """
    runs: dict[str, set[str]] = {}
    for prefix, target in _read(path, _RUNS):
        runs.setdefault(prefix, set()).update({target} - {None})
    return runs


def copy_ledger(path: Path, target: Path) -> bool:
    """Copy a ledger that a controller may be writing, as of one moment; False if there is none.

    The copy knows that it is one: what was submitted after it was made is not in it.
    """
    if not path.is_file():
        return False
    with closing(sqlite3.connect(path)) as ledger, closing(sqlite3.connect(target)) as copy:
        ledger.backup(copy)
        copy.execute(f"PRAGMA user_version = {_COPY}")
    return True


def merge_ledgers(paths: Sequence[Path], target: Path) -> None:
    """Replace a ledger by one for reading, with what several have that nobody writes."""
    partial = target.with_name(f"{target.name}.part")
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(partial)) as merged:
        merged.executescript(_SCHEMA)
        for path in filter(Path.is_file, paths):
            merged.execute("ATTACH ? AS other", (str(path),))
            # A ledger of an earlier version lacks a table.
            found = merged.execute("SELECT name FROM other.sqlite_master WHERE type = 'table'")
            for (name,) in found.fetchall():
                merged.execute(f"INSERT OR IGNORE INTO main.{name} SELECT * FROM other.{name}")  # noqa: S608
            merged.commit()
            merged.execute("DETACH other")
    partial.replace(target)


def _read(path: Path, query: str) -> list[tuple[Any, ...]]:
    if not path.is_file():
        return []
    # Without a log next to it, nobody has the file open; opening it normally would create one.
    is_open = path.with_name(f"{path.name}-wal").exists()
    options = "mode=ro" if is_open else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{options}", uri=True)) as ledger:
            # The disk was full when it was made: nothing can have been submitted.
            return [] if _is_unfinished(ledger) else ledger.execute(query).fetchall()
    except sqlite3.DatabaseError as error:
        raise LedgerError(f"{path} cannot be read: {error}") from error


def _is_unfinished(ledger: sqlite3.Connection) -> bool:
    """Say whether the tables of a ledger end before the one that jobs are in."""
    return {name for (name,) in ledger.execute(_TABLES)} <= _FIRST_TABLES


class Ledger:
    """An SQLite file; every change is on disk before the method returns.

    `ask` runs each change of the file, and again if the disk was full.
    """

    def __init__(self, path: Path, ask: Callable[[Callable[[], None]], None] | None = None) -> None:
        self._ask = ask or (lambda call: call())
        self._lock = threading.Lock()
        try:
            # The main thread submits, the status thread closes children.
            self._connection = sqlite3.connect(path, check_same_thread=False)
            self._connection.row_factory = sqlite3.Row
            self._connection.executescript("PRAGMA journal_mode = WAL;" + _SCHEMA)
        except sqlite3.DatabaseError as error:
            raise WorkflowError(
                f"{path} is no record of submissions ({error}); move it away, and what it knew is "
                "looked for in the bucket"
            ) from error

    def open_run(self, prefix: str, definition: str) -> None:
        """Record a run and its job definition, if it is not on record."""
        self._write("INSERT OR IGNORE INTO runs VALUES (?, ?)", [(prefix, definition)])

    def get_runs(self) -> set[str]:
        """Return the prefixes of the runs that are on record."""
        with self._lock:
            rows = self._connection.execute("SELECT prefix FROM runs").fetchall()
        return {row["prefix"] for row in rows}

    def is_copy(self) -> bool:
        """Say whether arrays may be missing, because it began as a copy of another ledger."""
        with self._lock:
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        return bool(version == _COPY)

    def get_arrays(self) -> set[str]:
        """Return the names of the arrays that are on record."""
        with self._lock:
            rows = self._connection.execute("SELECT name FROM arrays").fetchall()
        return {row["name"] for row in rows}

    def open_array(self, name: str, prefix: str, queue: str, children: list[OpenChild]) -> None:
        """Record the intent to submit an array."""
        self.adopt_array(name, prefix, queue, len(children), dict(enumerate(children)))

    def adopt_array(
        self, name: str, prefix: str, queue: str, size: int, children: Mapping[int, OpenChild]
    ) -> None:
        """Record that this run waits for some children of an array."""
        rows = [(name, i, child.key, child.target) for i, child in children.items()]

        def insert() -> None:
            with self._lock, self._connection:
                self._connection.execute(
                    "INSERT OR IGNORE INTO arrays (name, prefix, queue, size, submitted) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (name, prefix, queue, size, time.time()),
                )
                self._connection.executemany("INSERT INTO children VALUES (?, ?, ?, ?)", rows)

        self._ask(insert)

    def record_job(self, name: str, job_id: str) -> None:
        """Record that an array was submitted."""
        self._write("UPDATE arrays SET job_id = ? WHERE name = ?", [(job_id, name)])

    def record_cancelled(self, name: str) -> None:
        """Record that an array was terminated: only its finished children are of use."""
        self._write("UPDATE arrays SET cancelled = 1 WHERE name = ?", [(name,)])

    def close_children(self, name: str, positions: list[int]) -> None:
        """Record that children have ended, one way or the other."""
        self._write(
            "DELETE FROM children WHERE array = ? AND position = ?",
            [(name, position) for position in positions],
        )

    def record_waiting(self, queue: str, reason: str | None) -> None:
        """Record why jobs in a queue wait, for other programs; None without a reason."""
        self._write("DELETE FROM waiting WHERE queue = ?", [(queue,)])
        if reason is not None:
            self._write("INSERT INTO waiting VALUES (?, ?, ?)", [(queue, reason, time.time())])

    def forget_waiting(self) -> None:
        """Forget the reasons that an earlier controller recorded."""
        self._write("DELETE FROM waiting", [()])

    def get_open_arrays(self) -> list[OpenArray]:
        """Return the arrays with children that are not closed, oldest first."""
        with self._lock:
            arrays = self._connection.execute(
                "SELECT name, prefix, queue, size, job_id, submitted, cancelled FROM arrays "
                "WHERE name IN (SELECT array FROM children) ORDER BY submitted"
            ).fetchall()
            return [OpenArray(**dict(row), children=self._get(row["name"])) for row in arrays]

    def get_finished_runs(self) -> list[tuple[str, str]]:
        """Return the prefixes and job definitions of the runs that have no open child."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT prefix, definition FROM runs WHERE prefix NOT IN "
                "(SELECT prefix FROM arrays JOIN children ON arrays.name = children.array)"
            ).fetchall()
        return [(row["prefix"], row["definition"]) for row in rows]

    def forget_run(self, prefix: str) -> None:
        """Remove a finished run from the record: nothing of it is left on AWS."""
        with self._lock, self._connection:
            self._connection.execute("DELETE FROM arrays WHERE prefix = ?", (prefix,))
            self._connection.execute("DELETE FROM runs WHERE prefix = ?", (prefix,))

    def _get(self, name: str) -> dict[int, OpenChild]:
        rows = self._connection.execute(
            "SELECT position, key, target FROM children WHERE array = ?", (name,)
        )
        return {position: OpenChild(key, target) for position, key, target in rows}

    def _write(self, statement: str, rows: list[tuple[object, ...]]) -> None:
        def write() -> None:
            with self._lock, self._connection:
                self._connection.executemany(statement, rows)

        self._ask(write)
