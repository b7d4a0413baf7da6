"""The demo's genomes with nobody at the keyboard: their controller is a job of the stack."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from demo_project import make_project
from emulator.batch.containers import LABEL
from emulator.client import EmulatedAWS
from fleet import Account

CONFIG = "demo/config.yaml"
SAMPLES = {"ecoli_part": "complete", "pUSA300HOUMR": "complete", "truncated": "excluded"}
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

    def launch(self) -> Any:
        return self.bactofleet("launch", "--config", CONFIG, "--yes")

    def status(self) -> dict[str, Any]:
        shown = self.bactofleet("status", "--json", "--run", self.address)
        assert shown.returncode == 0, shown.stderr
        found: dict[str, Any] = json.loads(shown.stdout)
        return found

    @property
    def controller(self) -> dict[str, Any]:
        """The job of the last launch, as Batch describes it."""
        key = "runs/demo/controller.json"
        body = self.fleet.client("s3").get_object(Bucket=self.fleet.outputs["Bucket"], Key=key)
        job_id = json.loads(body["Body"].read())["job_id"]
        job: dict[str, Any] = self.fleet.client("batch").describe_jobs(jobs=[job_id])["jobs"][0]
        return job

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
        controller = self.controller["jobId"]
        return Counter(c["job"] for c in self.fleet.account.containers() if c["job"] != controller)

    def wait(self, happened: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_S
        while not happened():
            assert self.controller["status"] != "FAILED", self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.2)

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
        self.wait(lambda: self.controller["status"] == "SUCCEEDED")

    def kill_controller(self) -> None:
        """Kill its container, as a host that breaks does."""
        (container,) = docker.from_env().containers.list(
            filters={"label": f"{LABEL}={self.controller['jobId']}"}
        )
        container.kill()


def test_a_run_ends_complete_though_its_controller_was_killed(
    account: EmulatedAWS, tmp_path: Path
) -> None:
    run = Launched(account, tmp_path, "launch-stack")

    launched = run.launch()
    assert launched.returncode == 0, launched.stdout + launched.stderr
    assert "genomes:    3 to do" in launched.stdout
    again = run.launch()
    assert again.returncode == 1
    assert "Nothing was started" in again.stderr
    run.wait(lambda: bool(run.get_genome_jobs()))
    run.kill_controller()
    run.wait_for_end()

    assert len(run.controller["attempts"]) == 2
    assert set(run.get_genome_jobs().values()) == {1}, run.log
    assert len(run.get_genome_jobs()) == len(SAMPLES)
    genomes = run.status()["genomes"]
    assert (genomes["complete"], genomes["excluded"]) == (2, 1)
    keys = run.fleet.get_keys()
    assert {f"results/demo/{name}.tar.gz" for name in SAMPLES} <= set(keys)
    assert {"runs/demo/results/cohort.tsv", "runs/demo/results/report.html"} <= set(keys)
    assert [key for key in keys if key.startswith("snakemake/runs/")] == []
    cost = run.bactofleet("cost", "--offline", "--run", run.address)
    assert cost.returncode == 0, cost.stderr
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
    assert "Of 3 genomes" in stopped.stdout
    # A container that was told to end takes a moment for it.
    end = time.monotonic() + ENDS_WITHIN_S
    while (left := run.list_open_jobs()) and time.monotonic() < end:
        time.sleep(0.2)
    assert left == []
    assert run.launch().returncode == 0
    run.wait_for_end()
    genomes = run.status()["genomes"]
    assert (genomes["complete"], genomes["excluded"]) == (2, 1)
