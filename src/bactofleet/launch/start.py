"""The launch of a run: what is there, how it is divided, and the start of its controllers."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bactofleet.core.errors import ConfigurationError
from bactofleet.launch.controller_job import (
    Controller,
    find_controllers,
    get_memory_mib,
    open_batch,
    start_controller,
)
from bactofleet.launch.ending import Ends
from bactofleet.launch.gathering import COPIES, Gathering, split_results
from bactofleet.launch.place import SHARDS, Place
from bactofleet.launch.project import ARCHIVE, cut_project, unpack_project
from bactofleet.launch.record import Record, TakenError, read_record, write_record
from bactofleet.launch.shards import (
    MAX_GENOMES,
    Shards,
    choose_number,
    count_genomes,
    read_shards,
    write_shards,
)
from bactofleet.launch.state import Writer
from snakemake_executor_plugin_aws_batch_array import api


@dataclass(frozen=True)
class Standing:
    """A run before a launch."""

    run: Place
    results: Path
    """What is known of its genomes: of all shards, or of the user's folder before the first."""
    shards: Shards | None = None
    """None if it was never launched."""
    version: str = ""
    """Of `shards`, in the bucket."""
    records: Mapping[Place, tuple[Record | None, str]] = field(default_factory=dict)
    """The last launch of each shard, with its version."""
    at_work: Mapping[Place, Controller] = field(default_factory=dict)
    uncollected: Collection[Place] = ()
    """Shards with jobs, or objects of jobs, that no controller has collected."""
    is_reported: bool = False
    """Whether all controllers have ended, and the last has written the report."""


@contextmanager
def find_standing(
    session: Any, run: Place, project: bytes, results: Path, queue: str
) -> Iterator[Standing]:
    """Look at a run.

    If it was launched before, the current folder is that of its project in the block, with the
    results of all shards; else it stays the user's, with the folder `results`.
    """
    s3 = session.client("s3")
    shards, version = read_shards(s3, run)
    if shards is None:
        yield Standing(run, results, uncollected=[run] if api.read_runs(results) else [])
        return
    places = shards.get_places(run)
    # Before the states are read: nobody who is launched later can have changed them.
    records = {place: read_record(s3, place) for place in places}
    last = {place: record for place, (record, _) in records.items()}
    at_work = find_controllers(open_batch(session), last, queue)
    with tempfile.TemporaryDirectory(prefix="bactofleet-") as folder, chdir(folder):
        unpack_project(project, Path.cwd())
        gathering = Gathering(s3, run, shards, results, COPIES)
        gathering.read()
        yield Standing(
            run,
            results,
            shards,
            version,
            records,
            at_work,
            gathering.find_uncollected(),
            Ends(s3, run, places).is_reported(),
        )


def choose_shards(standing: Standing, samples: Collection[str], wanted: int | None) -> int:
    """Return the number of shards of a launch: the wanted one, or else the fewest that are allowed.

    A run keeps its number as long as that is enough. Raises `ConfigurationError` if its number
    cannot be changed now, or a shard would have no genomes.
    """
    present = standing.shards.number if standing.shards else None
    number = wanted or max(present or 1, choose_number(samples))
    if wanted is None and present and standing.at_work:
        number = present
    if number > 1 and 0 in count_genomes(samples, number):
        raise ConfigurationError(
            [f"{number} shards are too many for {len(samples):,} genomes: one would have none"]
        )
    if number != (present or 1):
        _check_change(standing, present or 1, number)
    return number


def _check_change(standing: Standing, present: int, number: int) -> None:
    address = standing.run.address
    if standing.at_work:
        raise ConfigurationError(
            [
                f"{address} has {present} shards, and controllers at work; their number can be "
                f"changed to {number} after the run has ended"
            ]
        )
    if standing.uncollected:
        what = address if standing.shards else str(standing.results)
        raise ConfigurationError(
            [
                f"{what} has submitted jobs that were not collected, of which some may be finished;"
                f" with {number} shards instead of {present} they would be made again. Launch it "
                f"with --shards {present}; the number can be changed after that run has ended. (A "
                f"controller plans at most {MAX_GENOMES:,} genomes unless --shards says so.)"
            ]
        )


def start(
    session: Any,
    standing: Standing,
    project: bytes,
    samples: Collection[str],
    number: int,
    settings: dict[str, str],
) -> list[str]:
    """Submit the controllers that are not at work, and return the ids of their jobs.

    Raises `ConfigurationError` if all are at work, or another launch is faster.
    """
    s3, run = session.client("s3"), standing.run
    try:
        shards = standing.shards
        if shards is None or shards.number != number:
            shards = _divide(s3, standing, number)
        s3.put_object(Bucket=run.bucket, Key=run.key(ARCHIVE), Body=project)
    except TakenError:
        raise ConfigurationError(
            [f"another launch of {run.address} was faster. Nothing was started here."]
        ) from None
    genomes = count_genomes(samples, number)
    started = []
    for shard, place in enumerate(shards.get_places(run)):
        memory_mib = get_memory_mib(genomes[shard], len(samples))
        cut = cut_project(project, shard, number)
        try:
            started.append(start_controller(session, place, cut, memory_mib, settings))
        except TakenError:
            continue
    if not started:
        raise ConfigurationError(
            [
                f"{run.address} has {_describe(standing.at_work)}. Nothing was started.",
                f"`bactofleet status --run {run.address}` shows how far it is",
            ]
        )
    return started


def _describe(at_work: Mapping[Place, Controller]) -> str:
    jobs = [f"job {c.job_id} is {c.status}" for c in at_work.values() if c.job_id]
    return f"controllers at work: {', '.join(jobs) or 'a launch is under way'}"


def _divide(s3: Any, standing: Standing, number: int) -> Shards:
    """Divide a run, for the first time or anew; raise `TakenError` if somebody else does.

    The new shards have their states before the run refers to them, so that a launch that dies
    meanwhile changes nothing.
    """
    for place, (_, version) in standing.records.items():
        write_record(s3, place, Record(), version)  # no controller of the old shards begins now
    shards = Shards(number)
    places = shards.get_places(standing.run)
    with tempfile.TemporaryDirectory(prefix="bactofleet-") as name:
        folders = [Path(name) / place.shard for place in places]
        if number == 1:
            folders = [standing.results]
        else:
            split_results(standing.results, folders)
        for place, folder in zip(places, folders, strict=True):
            Writer(s3, place, folder).save()
    write_shards(s3, standing.run, shards, standing.version)
    _remove_others(s3, standing.run, shards)
    return shards


def _remove_others(s3: Any, run: Place, shards: Shards) -> None:
    """Remove what earlier divisions have left."""
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=run.bucket, Prefix=run.key(SHARDS, "")
    )
    for item in (item for page in pages for item in page.get("Contents", [])):
        if not item["Key"].startswith(run.key(SHARDS, f"{shards.generation}-")):
            s3.delete_object(Bucket=run.bucket, Key=item["Key"])
