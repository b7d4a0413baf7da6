"""Trouble that is not the data's: tools killed, crashing, disks full; one genome at a time."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from workflow.conftest import (
    IMAGE,
    REPOSITORY,
    Project,
    Result,
    broken,
    build_image,
    make_project,
    plasmid,
)

# A SKESA that ends as the name of the sample says; `.seen` makes it do so once only.
SABOTAGED = """#!/bin/sh
case "$*" in
  *killed_once*)  signal=KILL; once=1 ;;
  *illegal_once*) signal=ILL; once=1 ;;
  *always_killed*) signal=KILL ;;
  *crashing*) echo "something is broken" >&2; exit 3 ;;
esac
seen=$(pwd | sed 's#/scratch/.*#/scratch#')/seen.$signal$once
if [ -n "$signal" ] && { [ -z "$once" ] || [ ! -e "$seen" ]; }; then
    touch "$seen"
    kill -"$signal" $$
fi
exec /usr/bin/skesa "$@"
"""
TAG = "bactofleet-test:sabotaged"


@pytest.fixture(scope="module")
def sabotaged_image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image with that SKESA before the real one."""
    return build_image(tmp_path_factory.mktemp("image"), TAG, SABOTAGED)


@pytest.fixture(scope="module")
def finished(
    sabotaged_image: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Project, Result]:
    """A run of good, bad and unlucky genomes."""
    project = make_project(tmp_path_factory.mktemp("project") / "p", memory_mb=4000)
    project.image = sabotaged_image
    names = ["killed_once", "illegal_once", "always_killed", "crashing", "good"]
    project.write_samples([*map(plasmid, names), broken("excluded")])
    return project, project.run()


def test_the_run_ends_with_an_error_and_the_others_finish(
    finished: tuple[Project, Result],
) -> None:
    project, result = finished

    assert result.status != 0
    assert project.receipt("good")["status"] == "complete"
    assert project.receipt("excluded")["status"] == "excluded"


def test_a_genome_killed_for_memory_comes_back_with_more_and_completes(
    finished: tuple[Project, Result],
) -> None:
    project, _ = finished
    log = (project.folder / "results/logs/killed_once/assembly.log").read_text()

    assert project.receipt("killed_once")["status"] == "complete"
    assert "--memory 7" in log  # 2 x 4000 MB, less 1 GB


def test_a_genome_that_met_an_illegal_instruction_is_tried_again(
    finished: tuple[Project, Result],
) -> None:
    project, _ = finished

    assert project.receipt("illegal_once")["status"] == "complete"


def test_a_tool_killed_for_memory_is_a_failure_and_never_biology(
    finished: tuple[Project, Result],
) -> None:
    project, result = finished

    assert not project.has_receipt("always_killed")
    assert "FAILED always_killed at assembly: skesa was killed: out of memory" in result.output


def test_a_crash_is_final_at_once(finished: tuple[Project, Result]) -> None:
    project, result = finished

    assert not project.has_receipt("crashing")
    assert result.output.count("| something is broken") == 1
    runs = (project.folder / "results/logs/crashing/assembly.log").read_text()
    assert runs.count("$ skesa") == 1


def test_the_last_lines_name_each_failed_genome_its_stage_its_log_and_why(
    finished: tuple[Project, Result],
) -> None:
    _, result = finished

    last = result.output[result.output.index("bactofleet: FAILED") :]

    assert "FAILED crashing at assembly: skesa ended with exit status 3" in last
    assert "    | something is broken" in last
    assert "log: results/logs/crashing/assembly.log" in last
    assert "2 genomes failed" in last


def test_the_terminal_shows_genomes_and_the_log_of_snakemake_their_steps(
    finished: tuple[Project, Result],
) -> None:
    project, result = finished
    (log,) = (project.folder / ".snakemake/log").iterdir()

    assert "bactofleet: 6 of 6 genomes ended (100.0%); 3 complete, 1 excluded, 2 failed, " in (
        result.output
    )
    steps = ("Finished jobid", "Error in rule assembly", "CalledProcessError", "steps (")
    assert [step for step in steps if step in result.output] == []
    assert [step for step in steps if step not in log.read_text()] == []


def test_the_report_is_written_and_shows_the_failures(finished: tuple[Project, Result]) -> None:
    project, _ = finished

    table = (project.folder / "results/cohort.tsv").read_text()
    rows = {line.split("\t")[0]: line for line in table.splitlines()}

    assert "failed" in rows["crashing"]
    assert "exit status 3" in rows["crashing"]
    assert "always_killed" in (project.folder / "results/report.html").read_text()


def test_the_next_start_tries_the_failed_ones_and_nothing_else(
    finished: tuple[Project, Result],
) -> None:
    project, _ = finished
    before = project.receipt("good")["finished"]
    project.image = IMAGE  # the tool has been mended

    result = project.run()

    assert result.status == 0
    assert "6 genomes: 4 finished, 2 to do" in result.output
    assert project.receipt("crashing")["status"] == "complete"
    assert project.receipt("good")["finished"] == before


def test_a_full_disk_is_said_and_can_be_tried_again(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", scratch="/small")
    project.write_samples([plasmid()])
    command = project.command("--retries", "0")
    command = command[command.index("--") + 1 :]

    def run(size: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", "run", "--rm", "--network", "none", "--user", "0:0", "--env", "HOME=/tmp"]
            + ["--tmpfs", f"/small:size={size}", "--workdir", str(project.folder)]
            + ["--volume", f"{tmp_path}:{tmp_path}", "--volume", f"{REPOSITORY}:{REPOSITORY}:ro"]
            + [IMAGE, *command],
            capture_output=True,
            text=True,
            check=False,
        )

    small = run("1500k")

    assert small.returncode != 0
    assert "the disk is full" in small.stderr
    assert not project.has_receipt("plasmid")
    assert run("500m").returncode == 0
    assert project.receipt("plasmid")["status"] == "complete"
