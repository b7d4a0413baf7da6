"""The demo's genomes with nobody at the keyboard: their controller is a job of the stack."""

import csv
import io
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from aws.emulator.batch.containers import LABEL
from aws.emulator.client import EmulatedAWS
from infra.demo_project import make_project
from infra.fleet import Account

CONFIG = "demo/config.yaml"
SAMPLES = {
    "ecoli_part": "complete",
    "mixture": "complete",
    "pUSA300HOUMR": "complete",
    "truncated": "excluded",
}
WAIT_S = 400
ENDS_WITHIN_S = 60


@pytest.fixture
def account() -> Iterator[EmulatedAWS]:
    """An account of its own: under its jobs are controllers, which may do more than genomes."""
    with Account() as account:
        yield account


class Launched:
    """A project of a stack, and its user, who has the controller's role."""

    def __init__(self, account: EmulatedAWS, folder: Path, name: str) -> None:
        self.fleet = make_project(account, folder, name)
        self.fleet.set(**{"poll-interval": "1"})
        self.user = self.fleet.assume(self.fleet.outputs["ControllerRole"])
        self.address = f"s3://{self.fleet.outputs['Bucket']}/runs/demo"

    def bactofleet(self, *words: str) -> Any:
        return self.fleet.run("bactofleet", *words, variables=self.user)

    def launch(self, *words: str) -> Any:
        return self.bactofleet("launch", "--config", CONFIG, "--yes", *words)

    def status(self) -> dict[str, Any]:
        shown = self.bactofleet("status", "--json", "--run", self.address)
        assert shown.returncode == 0, shown.stderr
        found: dict[str, Any] = json.loads(shown.stdout)
        return found

    @property
    def controllers(self) -> list[dict[str, Any]]:
        """The jobs of the last launch, as Batch describes them, in the order of the shards."""
        run = "runs/demo"
        shards = self._read(f"{run}/shards.json")
        places = [f"{run}/shards/{shards['generation']}-{i}" for i in range(shards["number"])]
        job_ids = [self._read(f"{place}/controller.json")["job_id"] for place in places]
        jobs = self.fleet.client("batch").describe_jobs(jobs=job_ids)["jobs"]
        return sorted(jobs, key=lambda job: job_ids.index(job["jobId"]))

    def _read(self, key: str) -> Any:
        body = self.fleet.client("s3").get_object(Bucket=self.fleet.outputs["Bucket"], Key=key)
        return json.loads(body["Body"].read())

    @property
    def log(self) -> str:
        """What the controller has said in all attempts."""
        logs = self.fleet.client("logs")
        streams = logs.describe_log_streams(logGroupName="/aws/batch/job")["logStreams"]
        names = [s["logStreamName"] for s in streams if s["logStreamName"].startswith("controller")]
        events = [
            event["message"]
            for name in names
            for event in logs.get_log_events(logGroupName="/aws/batch/job", logStreamName=name)[
                "events"
            ]
        ]
        return "\n".join(events)

    def get_genome_jobs(self) -> Counter[str]:
        """How often a container was started for each job that is no controller."""
        controllers = {job["jobId"] for job in self.controllers}
        jobs = (container["job"] for container in self.fleet.account.containers())
        return Counter(job for job in jobs if job not in controllers)

    def wait(self, happened: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_S
        while not happened():
            assert "FAILED" not in {job["status"] for job in self.controllers}, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.2)

    def iter_rows(self, table: str) -> Iterator[dict[str, str]]:
        """Rows of a table that the last controller has put into the bucket."""
        key = f"runs/demo/results/{table}"
        body = self.fleet.client("s3").get_object(Bucket=self.fleet.outputs["Bucket"], Key=key)
        yield from csv.DictReader(io.StringIO(body["Body"].read().decode()), dialect="excel-tab")

    def read_table(self, table: str, column: str) -> dict[str, str]:
        """A column of such a table, by sample."""
        return {row["sample"]: row[column] for row in self.iter_rows(table)}

    def list_open_jobs(self) -> list[str]:
        """Names of the jobs in the queues of genomes and controllers that have not ended."""
        batch = self.fleet.client("batch")
        return [
            job["jobName"]
            for queue in ("job-queue", "controller-queue")
            for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
            for job in batch.list_jobs(jobQueue=self.fleet.settings[queue], jobStatus=status)[
                "jobSummaryList"
            ]
        ]

    def wait_for_end(self) -> None:
        self.wait(lambda: {job["status"] for job in self.controllers} == {"SUCCEEDED"})

    def kill_controller(self, shard: int = 0) -> None:
        """Kill its container, as a host that breaks does."""
        (container,) = docker.from_env().containers.list(
            filters={"label": f"{LABEL}={self.controllers[shard]['jobId']}"}
        )
        container.kill()


def test_a_run_ends_complete_though_its_controller_was_killed(
    account: EmulatedAWS, tmp_path: Path
) -> None:
    run = Launched(account, tmp_path, "launch-stack")

    launched = run.launch()
    assert launched.returncode == 0, launched.stdout + launched.stderr
    assert "genomes:    4 to do" in launched.stdout
    again = run.launch()
    assert again.returncode == 1
    assert "Nothing was started" in again.stderr
    run.wait(lambda: bool(run.get_genome_jobs()))
    run.kill_controller()
    run.wait_for_end()

    assert [len(job["attempts"]) for job in run.controllers] == [2]
    assert set(run.get_genome_jobs().values()) == {1}, run.log
    assert len(run.get_genome_jobs()) == len(SAMPLES)
    genomes = run.status()["genomes"]
    assert (genomes["complete"], genomes["excluded"]) == (3, 1)
    keys = run.fleet.get_keys()
    assert {f"results/demo/{name}.tar.gz" for name in SAMPLES} <= set(keys)
    assert {"runs/demo/results/cohort.tsv", "runs/demo/results/report.html"} <= set(keys)
    assert [key for key in keys if key.startswith("snakemake/runs/")] == []
    cost = run.bactofleet("cost", "--offline", "--run", run.address)
    assert cost.returncode == 0, cost.stderr
    finished = run.launch()
    assert "All genomes are finished. Nothing was started." in finished.stdout
    assert [r for r in account.requests() if r["status"] == 403] == []


def test_shards_make_each_genome_once_and_one_report_though_a_controller_was_killed(
    account: EmulatedAWS, tmp_path: Path
) -> None:
    run = Launched(account, tmp_path, "shards-stack")
    planned = run.launch("--shards", "2", "--dry-run")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "shards:     2, of up to 2 genomes, each with a controller" in planned.stdout
    assert [key for key in run.fleet.get_keys() if key.startswith("runs/")] == []

    launched = run.launch("--shards", "2")
    assert launched.returncode == 0, launched.stdout + launched.stderr
    again = run.launch("--shards", "2")
    assert again.returncode == 1
    assert "Nothing was started" in again.stderr
    other = run.launch("--shards", "1")
    assert other.returncode == 1
    assert "2 shards, and controllers at work" in other.stderr
    run.wait(lambda: bool(run.get_genome_jobs()))
    run.kill_controller(1)
    run.wait_for_end()

    assert [len(job["attempts"]) for job in run.controllers] == [1, 2], run.log
    assert set(run.get_genome_jobs().values()) == {1}, run.log
    assert len(run.get_genome_jobs()) == len(SAMPLES)
    genomes = run.status()["genomes"]
    assert (genomes["complete"], genomes["excluded"], genomes["waiting"]) == (3, 1, 0)
    assert run.read_table("cohort.tsv", "status") == SAMPLES
    assert {row["target"] for row in run.iter_rows("usage.tsv")} == {
        f"results/receipts/{name}.json" for name in SAMPLES
    }
    assert [key for key in run.fleet.get_keys() if key.startswith("snakemake/runs/")] == []
    finished = run.launch()
    assert "All genomes are finished. Nothing was started." in finished.stdout
    assert [r for r in account.requests() if r["status"] == 403] == []


def test_a_stopped_run_leaves_no_job_and_the_next_launch_goes_on(
    account: EmulatedAWS, tmp_path: Path
) -> None:
    run = Launched(account, tmp_path, "stop-stack")
    assert run.launch().returncode == 0
    run.wait(lambda: bool(run.get_genome_jobs()))

    stopped = run.bactofleet("stop", "--run", run.address)

    assert stopped.returncode == 0, stopped.stderr
    assert "Of 4 genomes" in stopped.stdout
    # A container that was told to end takes a moment for it.
    end = time.monotonic() + ENDS_WITHIN_S
    while (left := run.list_open_jobs()) and time.monotonic() < end:
        time.sleep(0.2)
    assert left == []
    assert run.launch().returncode == 0
    run.wait_for_end()
    genomes = run.status()["genomes"]
    assert (genomes["complete"], genomes["excluded"]) == (3, 1)
