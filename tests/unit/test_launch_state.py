"""A results folder survives its machine: what was saved in the bucket is read elsewhere."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bactofleet.launch import state
from bactofleet.launch.place import Place
from bactofleet.launch.state import Reader, Writer, list_state, publish
from snakemake_executor_plugin_aws_batch_array import api

PLACE = Place("genomes", "cohort")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The folder of a controller."""
    return write(tmp_path / "results", {"receipts/a.json": "{}", "usage.tsv": "run\tjob\n1\t2\n"})


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def read(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in paths}


def fetch(s3: Any, folder: Path) -> dict[str, str]:
    Reader(s3, PLACE, folder).read()
    return read(folder)


def test_what_was_saved_is_read_elsewhere_with_its_times(
    s3: Any, results: Path, tmp_path: Path
) -> None:
    os.utime(results / "receipts/a.json", (1_700_000_000.25, 1_700_000_000.25))
    Writer(s3, PLACE, results).save()

    assert fetch(s3, tmp_path / "copy") == read(results)
    assert (tmp_path / "copy/receipts/a.json").stat().st_mtime == 1_700_000_000.25


def test_only_changes_are_saved_and_nothing_without_changes(
    s3: Any, results: Path, tmp_path: Path
) -> None:
    writer = Writer(s3, PLACE, results)
    reader = Reader(s3, PLACE, tmp_path / "copy")
    writer.save()
    reader.read()
    write(results, {"receipts/b.json": "{}", "failed/c.json": "{}"})
    writer.save()
    reader.read()
    (results / "failed/c.json").unlink()
    writer.save()
    writer.save()
    reader.read()

    keys = [Path(key).name for key in list_state(s3, PLACE)]
    assert keys == ["00000001-whole.tar.gz", "00000002-part.tar.gz", "00000003-part.tar.gz"]
    assert read(tmp_path / "copy") == read(results) == fetch(s3, tmp_path / "other")


def test_a_whole_copy_replaces_many_parts_also_for_those_who_had_read_some(
    s3: Any, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "MAX_PARTS", 2)
    writer = Writer(s3, PLACE, results)
    reader = Reader(s3, PLACE, tmp_path / "copy")
    for number in range(3):
        write(results, {f"receipts/{number}.json": "{}"})
        writer.save()
    reader.read()
    (results / "receipts/0.json").unlink()
    writer.save()
    reader.read()

    assert [Path(key).name for key in list_state(s3, PLACE)] == ["00000004-whole.tar.gz"]
    assert read(tmp_path / "copy") == read(results)


def test_a_second_controller_continues_the_numbers_of_the_first(
    s3: Any, results: Path, tmp_path: Path
) -> None:
    Writer(s3, PLACE, results).save()
    reader = Reader(s3, PLACE, tmp_path / "second")
    reader.read()
    second = Writer(s3, PLACE, tmp_path / "second", reader.last)
    write(tmp_path / "second", {"receipts/b.json": "{}"})
    second.save()

    names = [Path(key).name for key in list_state(s3, PLACE)]
    assert names == ["00000001-whole.tar.gz", "00000002-part.tar.gz"]
    assert {"receipts/a.json", "receipts/b.json"} <= fetch(s3, tmp_path / "third").keys()


def test_secrets_locks_and_half_written_files_stay_here(
    s3: Any, results: Path, tmp_path: Path
) -> None:
    names = [".samples.sqlite", ".samples.sqlite-wal", ".lock", "receipts/.b.json.part"]
    write(results, dict.fromkeys(names, "secret"))
    Writer(s3, PLACE, results).save()

    assert fetch(s3, tmp_path / "copy").keys() == {"receipts/a.json", "usage.tsv"}


def test_of_a_growing_table_only_whole_rows_are_saved(
    s3: Any, results: Path, tmp_path: Path
) -> None:
    write(results, {"usage.tsv": "run\tjob\n1\t2\n3\t"})
    Writer(s3, PLACE, results).save()

    assert fetch(s3, tmp_path / "copy")["usage.tsv"] == "run\tjob\n1\t2\n"


def test_the_record_of_submissions_is_saved_while_a_controller_has_it_open(
    s3: Any, results: Path, tmp_path: Path
) -> None:
    ledger = api.get_ledger(results)
    ledger.parent.mkdir()
    writer = Writer(s3, PLACE, results)
    writer.save()
    assert not writer.is_pressing()
    connection = sqlite3.connect(ledger)
    connection.executescript(
        "PRAGMA journal_mode = WAL;"
        "CREATE TABLE arrays (name, prefix, queue, size, job_id, submitted, cancelled);"
        "CREATE TABLE children (array, position, key, target);"
        "INSERT INTO arrays VALUES ('run-0000', 'run', 'spot', 1, 'id', 0, 0);"
        "INSERT INTO children VALUES ('run-0000', 0, 'key', 'results/receipts/b.json');"
    )
    assert writer.is_pressing()
    writer.save()
    assert not writer.is_pressing()
    Reader(s3, PLACE, tmp_path / "copy").read()

    assert api.read_open_jobs(tmp_path / "copy").job_ids == ("id",)
    connection.close()


def test_without_changes_the_record_of_submissions_is_not_even_copied(
    s3: Any, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = api.get_ledger(results)
    ledger.parent.mkdir()
    sqlite3.connect(ledger).executescript("CREATE TABLE arrays (name)")
    writer = Writer(s3, PLACE, results)
    writer.save()

    copied: list[Path] = []
    monkeypatch.setattr(api, "copy_ledger", lambda folder, _: copied.append(folder))
    writer.save()
    assert copied == []

    write(results, {"receipts/b.json": "{}"})
    writer.save()
    assert copied == [results]


def test_tables_and_reports_are_objects_of_their_own(s3: Any, results: Path) -> None:
    write(results, {"report.html": "<html>"})
    publish(s3, PLACE, results)

    pages = s3.list_objects_v2(Bucket=PLACE.bucket, Prefix=PLACE.key("results", ""))["Contents"]
    assert [Path(item["Key"]).name for item in pages] == ["report.html", "usage.tsv"]
