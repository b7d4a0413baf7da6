"""A launched run whose controllers are processes of this machine, started as Batch starts them."""

from __future__ import annotations

import csv
import os
import re
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import chdir, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aws.emulator import provision
from aws.emulator.client import EmulatedAWS
from botocore.exceptions import BotoCoreError, ClientError
from chaos import Chaos
from cohort import FIRST, RESULTS, SAMPLE, write_project
from machines import Machine, Sample, build_clock
from soak_stubs import is_broken, is_excluded

from bactofleet.core.config import read_config
from bactofleet.launch.controller_job import ATTEMPTS
from bactofleet.launch.ending import Ends
from bactofleet.launch.gathering import COPIES, Gathering
from bactofleet.launch.place import Place, place_of
from bactofleet.launch.project import pack_project
from bactofleet.launch.shards import read_shards
from bactofleet.launch.start import choose_shards, find_standing, start
from bactofleet.records.receipt import read_receipt
from snakemake_executor_plugin_aws_batch_array import api

POLL_S = 1
# Between two things that go wrong; in a long soak there are this many of them.
PAUSE_S, EVENTS = 3.0, 240
# An outage lasts up to this share of the soak.
OUTAGE_S, OUTAGE = 20.0, 1 / 20
# After the last fault the run has to come to its end. What outages and lost attempts have cost is a
# part of the soak.
DRAIN_S, DRAIN = 600.0, 1 / 3
# What a controller may hold open, however long it works.
MAX_FILES, MAX_THREADS = 64, 64
# Of resident memory between the middle and the end of a controller's life.
GROWTH = 1.25
# Until then it plans and submits, and takes what that needs.
SETTLED_S = 120.0


@dataclass(frozen=True)
class Requests:
    """The most requests for each look at Batch, start of a controller, and attempt of a genome."""

    look: float
    start: float
    attempt: float


# A look is one DescribeJobs and a page of ListJobs, and saves a state at most: the record and the
# archive. An attempt is described, or its archive is fetched; reports read tool outputs twice.
REQUESTS = {"batch": Requests(2, 15, 1), "s3": Requests(2, 20, 3), "logs": Requests(0, 0, 2)}


@dataclass
class Job:
    """A controller's job: its machine, and what was seen of all its attempts."""

    environment: dict[str, str]
    machine: Machine | None = None
    attempts: int = 0
    exits: list[int] = field(default_factory=list)
    """Statuses of the attempts that ended."""
    samples: list[Sample] = field(default_factory=list)
    is_replaced: bool = False
    """Whether the run was launched again after it."""

    @property
    def is_lost(self) -> bool:
        """Whether its attempts are used up."""
        return len(self.exits) == ATTEMPTS and self.exits[-1] not in (0, 1)

    @property
    def has_ended(self) -> bool:
        """Whether it gets no further attempt, as Batch sees it (EVALUATE_ON_EXIT)."""
        return bool(self.exits) and (self.exits[-1] in (0, 1) or self.is_lost)


class Batch:
    """The part of Batch that starts controllers: nothing but processes."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        folder.mkdir(parents=True)
        self._environment, self._folder = environment, folder
        self._clock = build_clock(folder)
        self._definitions: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, Job] = {}

    def register_job_definition(self, **request: Any) -> dict[str, Any]:
        """Keep a definition."""
        name = request["jobDefinitionName"]
        self._definitions[name] = request["containerProperties"]
        return {"jobDefinitionArn": name}

    def submit_job(self, **request: Any) -> dict[str, Any]:
        """Keep a job, which begins at the next look."""
        container = self._definitions[request["jobDefinition"]]
        variables = {item["name"]: item["value"] for item in container["environment"]}
        self.jobs[request["jobName"]] = Job({**os.environ, **self._environment, **variables})
        return {"jobId": request["jobName"]}

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        """Describe the jobs that there are."""
        found = [job_id for job_id in jobs if job_id in self.jobs]
        states = {True: "SUCCEEDED", False: "RUNNING"}
        return {"jobs": [{"jobId": i, "status": states[self.jobs[i].has_ended]} for i in found]}

    def look(self) -> None:
        """Start attempts, and note those that have ended."""
        for name, job in self.jobs.items():
            if job.machine and job.machine.process.poll() is not None:
                job.exits.append(job.machine.process.returncode)
                job.machine = None
            if job.machine is None and not job.has_ended:
                job.attempts += 1
                folder = self._folder / f"{name}-{job.attempts}"
                job.machine = Machine(job.environment, folder, self._clock)
            job.samples += job.machine.iter_samples() if job.machine else ()

    def find_lost(self) -> list[Job]:
        """Return the jobs that have used up their attempts, and were not launched again."""
        return [job for job in self.jobs.values() if job.is_lost and not job.is_replaced]

    def choose(self, which: float) -> Machine | None:
        """Return the machine of one of the controllers that work, by a number from 0 to 1."""
        working = [job.machine for job in self.jobs.values() if job.machine]
        return working[int(which * len(working))] if working else None

    def close(self) -> None:
        """Leave no process."""
        for job in self.jobs.values():
            if job.machine:
                job.machine.lose()


class Soak:
    """A run of several shards, from its launch to its end."""

    def __init__(self, aws: EmulatedAWS, folder: Path, genomes: int, shards: int) -> None:
        self.aws, self._folder, self._shards = aws, folder, shards
        self._project = folder / "project"
        write_project(self._project, genomes)
        path = self._project / "config/config.yaml"
        path.write_text(path.read_text().replace("results: results\n", f"results: {RESULTS}\n"))
        self.samples = [f"{SAMPLE}{number}" for number in range(FIRST, FIRST + genomes)]
        self._s3 = provision.client("s3", aws.endpoint_url)
        credentials = folder / "credentials"
        environment = {**aws.environment, "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del environment[name]
        self._credentials = credentials
        self.batch = Batch(environment, folder / "controllers")
        self.run_place: Place = place_of(RESULTS, aws.bucket)
        self.seconds = 0.0
        self.happened: Counter[str] = Counter()
        self.has_ended = False
        self.launches = 0

    def run(self, seconds: float, seed: int) -> None:
        """Launch; let things go wrong for some time, then wait for the end."""
        longest = max(OUTAGE_S, seconds * OUTAGE)
        chaos = Chaos(self.aws, self._credentials, seed, self.batch.choose, longest)
        self.happened = chaos.done
        begun = time.monotonic()
        self._launch()
        try:
            pause_s = max(PAUSE_S, seconds / EVENTS)
            while time.monotonic() - begun < seconds and not self._look(pause_s):
                chaos.happen()
            self.aws.clear_faults()
            end = time.monotonic() + max(DRAIN_S, seconds * DRAIN)
            while not (ended := self._look(1)) and time.monotonic() < end:
                pass
            self.has_ended = ended
        finally:
            self.batch.close()
        self.seconds = time.monotonic() - begun
        self._gather()

    def _look(self, seconds: float) -> bool:
        """Look after the controllers for some time; say whether all have ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.batch.look()
            self._launch_again()
            time.sleep(0.2)
        return all(job.has_ended for job in self.batch.jobs.values())

    def _launch_again(self) -> None:
        """Do what a user does about a controller that has used up its attempts, until it works."""
        if lost := self.batch.find_lost():
            with suppress(BotoCoreError, ClientError):
                self._launch()
                for job in lost:
                    job.is_replaced = True

    def _launch(self) -> None:
        """Do what `bactofleet launch --shards N` does after its checks."""
        settings = {
            "region": self.aws.region,
            "bucket": self.aws.bucket,
            "job-queue": self.aws.queue,
            "fallback-queue": self.aws.fallback_queue,
            "job-role": self.aws.job_role_arn,
            "image": "no-image",
            "poll-interval": str(POLL_S),
            "controller-queue": "controllers",
            "controller-role": "controller",
            "execution-role": self.aws.execution_role_arn,
        }
        clients = {"s3": self._s3, "batch": self.batch}
        session = SimpleNamespace(client=lambda name, **_: clients[name])
        with chdir(self._project):
            config_file = Path("config/config.yaml")
            project = pack_project(config_file, read_config(config_file), settings)
            with find_standing(
                session, self.run_place, project, Path("results"), "controllers"
            ) as standing:
                number = choose_shards(standing, self.samples, self._shards)
                start(session, standing, project, self.samples, number, settings)
        self.launches += 1

    def _gather(self) -> None:
        shards, _ = read_shards(self._s3, self.run_place)
        if shards is None:
            raise RuntimeError("the run was not launched")
        places = shards.get_places(self.run_place)
        self.is_reported = Ends(self._s3, self.run_place, places).is_reported()
        self.results = self._folder / "results"
        Gathering(self._s3, self.run_place, shards, self.results, self._folder / COPIES).read()

    def measure(self) -> dict[str, Any]:
        """Return the figures of the run."""
        jobs = self.batch.jobs.values()
        asked = [r for r in self.aws.requests() if r["caller"] == "controller"]
        outcomes = Counter(row["outcome"] for row in self._read_table("usage.tsv"))
        values = [sample for job in jobs for sample in job.samples]
        return {
            "seconds": round(self.seconds),
            "genomes": len(self.samples),
            "launches": self.launches,
            "happened": dict(self.happened),
            "controllers": {
                "attempts": [job.attempts for job in jobs],
                "exits": dict(Counter(code for job in jobs for code in job.exits)),
            },
            "attempts of genomes": dict(outcomes),
            "long lives: s, kB before, kB after": list(self._iter_lives()),
            "peak MiB": round(max(kib for _, _, kib, _, _ in values) / 1024),
            "open files": max(files for _, _, _, files, _ in values),
            "threads": max(threads for _, _, _, _, threads in values),
            "requests": {
                service: dict(Counter(r["operation"] for r in asked if r["service"] == service))
                for service in ("batch", "s3")
            },
        }

    def find_problems(self) -> list[str]:
        """Return what is wrong; nothing if each genome ended once, for its own reason."""
        return [
            problem
            for found in (
                self._check_end(),
                self._check_genomes(),
                self._check_attempts(),
                self._check_growth(),
                self._check_requests(),
            )
            for problem in found
        ]

    def _check_end(self) -> Iterator[str]:
        if not self.has_ended:
            yield "controllers did not end"
        if not self.is_reported:
            yield "there is no report of all shards"
        if left := self._list_keys("snakemake/runs/"):
            yield f"{len(left)} objects of jobs were left"

    def _check_genomes(self) -> Iterator[str]:
        """Yield genomes that ended in another way than theirs, or were made more than once."""
        ends = {path.stem: "failed" for path in (self.results / "failed").glob("*.json")}
        for path in (self.results / "receipts").glob("*.json"):
            ends[path.stem] = read_receipt(self.results, path.stem).status
        made = Counter(key.split("/")[1] for key in self._list_keys("made/"))
        for sample in self.samples:
            expected = "failed" if is_broken(sample) else "complete"
            expected = "excluded" if is_excluded(sample) else expected
            times = 0 if is_broken(sample) else 1
            if (ends.get(sample), made[sample]) != (expected, times):
                found = f"{ends.get(sample, 'missing')}, made {made[sample]} times"
                yield f"{sample}: {found}; expected {expected}, made {times} times"

    def _check_attempts(self) -> Iterator[str]:
        """Yield genomes with attempts that nothing explains."""
        succeeded: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        for row in self._read_table("usage.tsv"):
            sample = Path(row["target"]).stem
            if row["outcome"] == api.SUCCEEDED:
                succeeded[sample] += 1
            elif row["outcome"] == "exit 1":
                failed[sample] += 1
            elif not re.fullmatch(r"reclaimed|not started|exit \d+", row["outcome"]):
                yield f"{sample}: an attempt ended as {row['outcome']!r}"
        for sample, times in succeeded.items():
            if times > 1:
                yield f"{sample}: {times} attempts succeeded"
        for sample, times in failed.items():
            if times > self.launches:
                yield f"{sample}: failed {times} times in {self.launches} launches"

    def _check_growth(self) -> Iterator[str]:
        for job in self.batch.jobs.values():
            for _, age, _, files, threads in job.samples:
                if files > MAX_FILES or threads > MAX_THREADS:
                    yield f"a controller of {age:.0f} s: {files} files, {threads} threads"
        for seconds, before, after in self._iter_lives():
            if after > GROWTH * before:
                yield f"memory grew from {before} to {after} kB in {seconds:.0f} s"

    def _iter_lives(self) -> Iterator[tuple[float, int, int]]:
        """Yield length (s) and memory (kB) in the middle and at the end of each long life."""
        lives: dict[int, list[tuple[float, int]]] = defaultdict(list)
        for job in self.batch.jobs.values():
            for pid, age, kib, _, _ in job.samples:
                lives[pid].append((age, kib))
        for life in lives.values():
            oldest = life[-1][0]
            middle = [kib for age, kib in life if SETTLED_S < age < oldest / 2]
            if middle:
                # Not its largest: a Snakemake whose genomes failed writes the report at its end.
                late = statistics.median(kib for age, kib in life if age >= oldest * 0.75)
                yield oldest, max(middle), round(late)

    def _check_requests(self) -> Iterator[str]:
        """Yield services that were asked more than the design promises; refusals do not count."""
        asked = Counter(
            request["service"]
            for request in self.aws.requests()
            if request["caller"] == "controller" and request["status"] < 300
        )
        looks = self._shards * self.seconds / POLL_S
        starts = sum(job.attempts for job in self.batch.jobs.values())
        ended = len(self._read_table("usage.tsv"))
        for service, of_one in REQUESTS.items():
            most = of_one.look * looks + of_one.start * starts + of_one.attempt * ended
            if asked[service] > most:
                yield f"{asked[service]} requests to {service}; {most:.0f} are expected at most"

    def _list_keys(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.aws.bucket, Prefix=prefix
        )
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def _read_table(self, name: str) -> list[dict[str, str]]:
        with (self.results / name).open(newline="") as handle:
            return list(csv.DictReader(handle, dialect="excel-tab"))
