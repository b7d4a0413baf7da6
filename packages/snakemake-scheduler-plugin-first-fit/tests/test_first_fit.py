"""The scheduler that selects all jobs for which there is room, in one pass."""

import logging
import time
from dataclasses import dataclass, field

from snakemake_scheduler_plugin_first_fit import Scheduler


@dataclass(frozen=True)
class ReadyJob:
    name: str
    priority: int = 0
    scheduler_resources: dict = field(default_factory=lambda: {"_cores": 1})


def select(jobs, **free):
    scheduler = Scheduler(dag=None, settings=None, logger=logging.getLogger())
    return [job.name for job in scheduler.select_jobs(jobs, jobs, free, {})]


def test_all_jobs_that_fit_together_are_selected_in_their_order():
    jobs = [ReadyJob("a"), ReadyJob("b"), ReadyJob("c")]

    assert select(jobs, _cores=2) == ["a", "b"]


def test_a_job_of_higher_priority_goes_first():
    jobs = [ReadyJob("a"), ReadyJob("b", priority=1)]

    assert select(jobs, _cores=1) == ["b"]


def test_a_smaller_job_takes_the_room_that_is_left():
    jobs = [ReadyJob("large", scheduler_resources={"_cores": 4}), ReadyJob("small")]

    assert select(jobs, _cores=2) == ["small"]


def test_every_resource_counts():
    needs_memory = {"_cores": 1, "mem_mb": 600}
    jobs = [ReadyJob(name, scheduler_resources=needs_memory) for name in "ab"]

    assert select(jobs, _cores=8, mem_mb=1000) == ["a"]


def test_a_fleet_of_67000_ready_jobs_is_selected_within_seconds():
    jobs = [ReadyJob(str(number)) for number in range(67_000)]
    started = time.process_time()

    selected = select(jobs, _cores=1_000_000, _nodes=1_000_000, _job_count=1_000_000)

    assert len(selected) == 67_000
    assert time.process_time() - started < 10
