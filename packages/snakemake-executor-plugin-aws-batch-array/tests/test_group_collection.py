"""What Snakemake does with a group of stages when its outputs have come back."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from snakemake_interface_common.exceptions import WorkflowError

from snakemake_executor_plugin_aws_batch_array.groups import postprocess_at_once

# Runs a workflow on an AWS that does each job at once: what a group returns is packed as its
# instance does it, and unpacked and reported as the controller does it. Prints the pauses of
# Snakemake's scheduler, and when each file was changed.
RUN = """
import asyncio, json, os, sys, threading
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock
from snakemake_executor_plugin_aws_batch_array import executor, returns, tasks
from snakemake_executor_plugin_aws_batch_array.collector import Collected
from snakemake_executor_plugin_aws_batch_array.live import LiveArray
from snakemake_executor_plugin_aws_batch_array.monitor import EndedChild

pauses, pause = [], asyncio.sleep

def record(seconds, *rest):
    if threading.current_thread() is threading.main_thread():
        pauses.append(seconds)
    return pause(seconds, *rest)

class Submitter:
    def iter_arrays(self, tasks):
        yield SimpleNamespace(tasks=tasks, queue="queue", name="array")

    def submit(self, array, bundle):
        tasks = dict(enumerate(array.tasks))
        return LiveArray("array", "id", None, "queue", len(tasks), 0.0, tasks)

def prepare(self):
    for name in ("tables", "ledger", "retrier", "settings", "clean_up", "breaker", "bundle"):
        setattr(self, f"_{name}", MagicMock())
    self._tables.record_usage.return_value = self._reclaimed = self._held_back = 0
    self._breaker.has_tripped.return_value = False
    self._build_task = lambda job, bundle: SimpleNamespace(job=job, key=job.jobid)
    self._adopt = lambda tasks, bundle: set()
    self._submitter, self._last_words = Submitter(), ""
    self._live, self._live_lock = {}, threading.Lock()
    self._is_ready = True

def deliver(job, dag):
    outputs = list(tasks._iter_returned(tasks.get_members(job), dag))
    Path("made").mkdir(exist_ok=True)
    for place, path in enumerate(outputs):
        Path(path).write_text("made")
        os.utime(path, (2e9 - place, 2e9 - place))  # a clock that runs backwards
    returns.pack_outputs(Path("returned.tar.gz"), outputs, {"attempt": 1})
    with open("returned.tar.gz", "rb") as stream:
        returns.unpack_outputs(stream, outputs, [], Path("."))

def look(self):
    with self._live_lock:
        arrays = list(self._live.values())
    for array in arrays:
        for index, task in list(array.open.items()):
            deliver(task.job, self.dag)
            self._record_ended([Collected(EndedChild(array, index), {"attempt": 1}, None)])

asyncio.sleep = record
executor.Executor.__post_init__ = prepare
executor.Executor._look = look
executor.Executor.sleep = lambda self: pause(0.01)
from snakemake.cli import main
try:
    main(sys.argv[1:])
finally:
    changed = {str(path): path.stat().st_mtime for path in Path(".").glob("made/*")}
    print(json.dumps({"pauses": pauses, "changed": changed}), flush=True)
"""
STAGE = """
rule stage{number}:
    input: {input}
    output: {output}
    group: "genome"
    shell: "touch {{output}}"
"""
SETTINGS = {
    "REGION": "us-east-1",
    "BUCKET": "genomes-bucket",
    "JOB_QUEUE": "genomes",
    "JOB_ROLE": "arn:aws:iam::123456789012:role/genomes-job",
    "IMAGE": "worker",
}


def test_a_group_of_which_one_file_comes_back_is_collected_without_a_pause(tmp_path: Path) -> None:
    write_stages(tmp_path, returned={4})

    told = collect(tmp_path)

    assert list(told["changed"]) == ["made/genome0.4"]
    assert told["pauses"] == []


def test_files_of_several_stages_come_back_without_a_pause_and_are_not_made_again(
    tmp_path: Path,
) -> None:
    write_stages(tmp_path, returned={1, 3, 4})

    told = collect(tmp_path)

    changed = told["changed"]
    assert changed["made/genome0.1"] <= changed["made/genome0.3"] <= changed["made/genome0.4"]
    assert told["pauses"] == []
    again = run([sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run"], tmp_path)
    assert "Nothing to be done" in again.stdout + again.stderr


def test_a_group_has_its_levels_again_for_a_further_attempt() -> None:
    class Group:
        toposorted = (("reads",), ("assembly", "qc"))

        def __iter__(self) -> Iterator[str]:
            return chain.from_iterable(self.toposorted)

        async def postprocess(self, error: bool) -> None:
            assert error
            raise WorkflowError(f"{self.toposorted}")

    group = Group()
    postprocess_at_once(group)

    for _ in range(2):
        with pytest.raises(WorkflowError, match=r"\[\['reads', 'assembly', 'qc'\]\]"):
            asyncio.run(group.postprocess(error=True))
        assert group.toposorted == (("reads",), ("assembly", "qc"))


def write_stages(folder: Path, returned: set[int], genomes: int = 1) -> None:
    """Write a workflow of five stages in a group; of some of them the file comes back."""
    files = [f"made/{{genome}}.{number}" for number in range(5)]
    outputs = [
        repr(path) if number in returned else f"temp({path!r}, group_jobs=True)"
        for number, path in enumerate(files)
    ]
    stages = "".join(
        STAGE.format(number=number, input=repr(files[number - 1]) if number else "[]", output=path)
        for number, path in enumerate(outputs)
    )
    targets = [f"made/genome{number}.4" for number in range(genomes)]
    (folder / "Snakefile").write_text(f"rule all:\n    input: {targets!r}\n{stages}")


def collect(folder: Path) -> dict[str, Any]:
    """Run the workflow; return the pauses in s, and the times of change of what came back."""
    settings = {f"SNAKEMAKE_AWS_BATCH_ARRAY_{name}": value for name, value in SETTINGS.items()}
    options = ["--executor", "aws-batch-array", "--jobs", "9", "--nolock", "--latency-wait", "0"]
    done = run([sys.executable, "-c", RUN, *options], folder, **settings)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(lines[-1])
    return told


def run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
