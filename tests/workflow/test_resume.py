"""A run that is cut off, at any point, goes on where it was."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time

import pytest
from workflow.conftest import TIMEOUT_S, Project, broken, interrupt, plasmid

NAMES = ["a", "b", "c"]


def wait_for(condition: object, timeout_s: float = TIMEOUT_S) -> None:
    """Wait until `condition()` holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come to this"
        time.sleep(0.01)


def find_containers(project: Project) -> list[str]:
    """Return the containers of a project that run."""
    listing = ["docker", "ps", "--quiet", "--no-trunc"]
    inspect = ["docker", "inspect", "--format", "{{.Config.WorkingDir}}"]
    containers = subprocess.check_output(listing, text=True).split()
    folders = {
        container: subprocess.run(
            [*inspect, container], capture_output=True, text=True, check=False
        ).stdout.strip()
        for container in containers
    }
    return [container for container in containers if folders[container] == str(project.folder)]


def kill_container(project: Project) -> None:
    """End the whole container at once, as a machine that loses power."""
    for container in find_containers(project):
        subprocess.run(["docker", "kill", "--signal", "KILL", container], check=True)


def check_receipts(project: Project) -> list[str]:
    """Return the samples with a receipt, each of which must name a whole tarball."""
    names = [path.stem for path in (project.folder / "results/receipts").glob("*.json")]
    for name in names:
        tarball = project.receipt(name)["tarball"]
        content = (project.folder / tarball["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == tarball["sha256"]
    return names


@pytest.mark.parametrize("stage", ["qc", "assembly", "annotation", "publish"])
def test_a_run_killed_during_a_stage_is_finished_by_the_next(project: Project, stage: str) -> None:
    project.write_samples([plasmid("a"), broken("b")])
    process = project.start()
    # A stage's folder is there until the receipt is: no moment is too short to be seen.
    wait_for(lambda: (project.scratch / "a" / stage).exists() or project.has_receipt("a"))

    kill_container(project)
    process.communicate(timeout=60)
    before = check_receipts(project)
    result = project.run()

    assert result.status == 0, result.output[-2000:]
    assert sorted(check_receipts(project)) == ["a", "b"]
    assert f"2 genomes: {len(before)} finished, {2 - len(before)} to do" in result.output


def test_ctrl_c_stops_and_the_next_start_does_only_what_is_left(project: Project) -> None:
    project.write_samples([plasmid(name) for name in NAMES])
    process = project.start()
    wait_for(lambda: any((project.folder / "results/receipts").glob("*.json")))

    interrupt(process)
    done = {name: project.receipt(name)["finished"] for name in check_receipts(project)}
    result = project.run()

    assert process.returncode != 0
    assert 1 <= len(done) < len(NAMES)
    assert result.status == 0
    assert all(project.receipt(name)["finished"] == when for name, when in done.items())
    assert f"3 genomes: {len(done)} finished" in result.output


def test_a_table_that_is_missing_is_made_again_and_no_genome(project: Project) -> None:
    project.write_samples([broken("a")])
    project.run()
    finished = project.receipt("a")["finished"]
    # As an earlier version left it.
    table = project.folder / "results/cohort.parquet"
    table.unlink()

    result = project.run()

    assert result.status == 0, result.output[-2000:]
    assert "1 finished, 0 to do" in result.output
    assert table.exists()
    assert project.receipt("a")["finished"] == finished


def test_a_second_run_on_the_same_results_is_refused(project: Project) -> None:
    project.write_samples([plasmid("a")])
    first = project.start()
    wait_for((project.scratch / "a").exists)

    (container,) = find_containers(project)
    subprocess.run(["docker", "pause", container], check=True)
    try:
        second = project.run()
    finally:
        subprocess.run(["docker", "unpause", container], check=True)
    os.killpg(first.pid, signal.SIGINT)
    first.communicate(timeout=120)

    assert second.status != 0
    assert "in use by another run" in second.output
