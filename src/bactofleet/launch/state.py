"""The results folder of a controller, in the bucket: a whole copy, and what changed since.

`state/00000007-whole.tar.gz` holds all files, `state/00000008-part.tar.gz` those that have changed
since the object before it, and a list of those that are gone. The record of submissions is copied
before the other files are read: a job that is still open there and has a receipt here is known to
be finished, while the opposite would repeat its genome.
"""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bactofleet.launch.place import Place
from bactofleet.launch.project import add_bytes
from bactofleet.records.folder import FROZEN_SAMPLES, LOCK
from snakemake_executor_plugin_aws_batch_array import api

STATE = "state"
WHOLE, PART = "whole.tar.gz", "part.tar.gz"
# A whole copy follows so many parts of one controller.
MAX_PARTS = 100
# Member with the names of files that are gone.
GONE = ".gone.json"
TABLE = ".tsv"
# Of this machine, or secret (the frozen sheet), or copied in another way (the ledger).
LEFT_OUT = (LOCK, FROZEN_SAMPLES, ".gathered", ".snakemake", str(api.get_ledger(Path()).parent))

Stamp = tuple[int, int]


class Reader:
    """Brings a results folder up to date with the bucket."""

    def __init__(self, s3: Any, place: Place, results: Path) -> None:
        self.results = results
        self.last = ""
        """Key of the last object that is in the folder; "" if there is none."""
        self._s3, self._place = s3, place

    def read(self) -> set[str]:
        """Fetch what is new, and return the paths of the files that were changed or removed."""
        changed: set[str] = set()
        while True:
            keys = list_state(self._s3, self._place)
            first = max((i for i, key in enumerate(keys) if key.endswith(WHOLE)), default=0)
            try:
                for key in keys[first:]:
                    if key > self.last:
                        changed |= self._apply(key)
                        self.last = key
            except self._s3.exceptions.NoSuchKey:
                continue  # replaced by a whole copy in this moment
            return changed

    def _apply(self, key: str) -> set[str]:
        self.results.mkdir(parents=True, exist_ok=True)
        body = self._s3.get_object(Bucket=self._place.bucket, Key=key)["Body"]
        with tempfile.TemporaryFile() as copy:
            for block in body.iter_chunks(1 << 20):
                copy.write(block)
            copy.seek(0)
            with tarfile.open(fileobj=copy, mode="r:gz") as archive:
                names = set(archive.getnames()) - {GONE}
                removed = set(self._extract(archive))
        if key.endswith(WHOLE):
            removed = scan(self.results).keys() - names
        removed = {n for n in removed if not n.startswith("/") and ".." not in Path(n).parts}
        for name in removed:
            (self.results / name).unlink(missing_ok=True)
        return names | removed

    def _extract(self, archive: tarfile.TarFile) -> list[str]:
        """Replace files by those of an archive, and return the names of those that are gone.

        None is overwritten: who looks for changes knows a file by its inode.
        """
        with tempfile.TemporaryDirectory(dir=self.results, prefix=".new-") as folder:
            new = Path(folder)
            archive.extractall(new, filter="data")
            gone: list[str] = json.loads((new / GONE).read_text(encoding="utf-8"))
            (new / GONE).unlink()
            for path in new.rglob("*"):
                if path.is_file():
                    target = self.results / path.relative_to(new)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    path.replace(target)
        return gone


class Writer:
    """Saves what changes in a results folder from now on.

    `last` is the key of the object up to which the folder was read; without one, the first object
    is a whole copy.
    """

    def __init__(self, s3: Any, place: Place, results: Path, last: str = "") -> None:
        self._s3, self._place, self._results = s3, place, results
        self._number = int(Path(last).name.partition("-")[0]) if last else 0
        self._parts = 0 if last else MAX_PARTS
        self._saved = scan(results) if last else {}
        self._ledger = get_ledger_stamp(results) if last else None

    def is_pressing(self) -> bool:
        """Say whether jobs were submitted or settled since the folder was saved."""
        return get_ledger_stamp(self._results) != self._ledger

    def save(self) -> None:
        """Save what has changed since the last time, if anything has."""
        stamp = get_ledger_stamp(self._results)
        if stamp == self._ledger and scan(self._results) == self._saved:
            return
        with tempfile.TemporaryDirectory() as folder:
            ledger = Path(folder) / "ledger"
            has_ledger = api.copy_ledger(self._results, ledger)
            found = scan(self._results)
            is_whole = self._parts >= MAX_PARTS
            changed = [n for n, s in found.items() if is_whole or self._saved.get(n) != s]
            archive = Path(folder) / "state.tar.gz"
            with tarfile.open(archive, mode="w:gz", compresslevel=6) as tar:
                add_bytes(tar, GONE, json.dumps(sorted(self._saved.keys() - found.keys())).encode())
                if has_ledger:
                    tar.add(ledger, arcname=str(api.get_ledger(Path())))
                for name in changed:
                    _add(tar, self._results, name)
            self._number += 1
            key = self._place.key(STATE, f"{self._number:08d}-{WHOLE if is_whole else PART}")
            self._s3.upload_file(str(archive), self._place.bucket, key)
        self._saved, self._ledger = found, stamp
        self._parts = 0 if is_whole else self._parts + 1
        if is_whole:
            self._remove_before(key)

    def _remove_before(self, key: str) -> None:
        for old in list_state(self._s3, self._place):
            if old < key:
                self._s3.delete_object(Bucket=self._place.bucket, Key=old)


def publish(s3: Any, place: Place, results: Path) -> None:
    """Put tables and reports into the bucket as objects of their own."""
    for path in sorted(results.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            s3.upload_file(str(path), place.bucket, place.key("results", path.name))


def list_state(s3: Any, place: Place) -> list[str]:
    """Return the keys of a shard's state in their order."""
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=place.bucket, Prefix=place.key(STATE, "")
    )
    return sorted(item["Key"] for page in pages for item in page.get("Contents", []))


def scan(results: Path) -> dict[str, Stamp]:
    """Return size and modification time (ns) of each complete file, by its path in the folder."""
    return dict(_iter_files(results, results))


def get_ledger_stamp(results: Path) -> Stamp | None:
    """Return what changes whenever the record of submissions changes; None without one."""
    ledger = api.get_ledger(results)
    # SQLite writes to its log first: https://www.sqlite.org/wal.html
    for path in (ledger.with_name(f"{ledger.name}-wal"), ledger):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        return status.st_size, status.st_mtime_ns
    return None


def _iter_files(folder: Path, results: Path) -> Iterator[tuple[str, Stamp]]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        path = Path(entry.path)
        name = str(path.relative_to(results))
        if name.startswith(LEFT_OUT):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _iter_files(path, results)
        elif entry.is_file(follow_symlinks=False) and not entry.name.startswith("."):
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue
            yield name, (status.st_size, status.st_mtime_ns)


def _add(archive: tarfile.TarFile, results: Path, name: str) -> None:
    """Add a file as it is now; of a table that grows only whole rows."""
    try:
        content = (results / name).read_bytes()
        modified = (results / name).stat().st_mtime
    except FileNotFoundError:  # the next save says that it is gone
        return
    if name.endswith(TABLE):
        content = content[: content.rfind(b"\n") + 1]
    add_bytes(archive, name, content, modified)
