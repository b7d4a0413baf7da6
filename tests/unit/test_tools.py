"""Tools run as lists of words; how each one of a pipe ended is looked at, and what it used."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bactofleet.core import tools
from bactofleet.core.errors import (
    IllegalInstruction,
    OutOfMemory,
    TemporaryFailure,
    ToolFailure,
)
from bactofleet.core.tools import Command, Toolbox


@pytest.fixture
def toolbox(tmp_path: Path) -> Iterator[Toolbox]:
    with (tmp_path / "log").open("w") as log:
        yield Toolbox(tmp_path, log)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def sh(script: str) -> Command:
    return ["sh", "-c", script]


def test_output_goes_to_the_log_below_the_command_as_one_could_type_it(
    toolbox: Toolbox, log: Path
) -> None:
    toolbox.run(["sh", "-c", "echo out; echo error >&2", Path("a b"), 3])

    assert log.read_text() == "$ sh -c 'echo out; echo error >&2' 'a b' 3\nout\nerror\n"


def test_output_goes_to_files_where_they_are_named(toolbox: Toolbox, tmp_path: Path) -> None:
    toolbox.run(sh("echo out; echo error >&2"), stdout=tmp_path / "o", stderr=tmp_path / "e")

    assert ((tmp_path / "o").read_text(), (tmp_path / "e").read_text()) == ("out\n", "error\n")


def test_a_tool_runs_in_the_folder_without_input_and_without_a_shell(
    toolbox: Toolbox, tmp_path: Path
) -> None:
    toolbox.run(["sh", "-c", 'cat; pwd; echo "$1"', "sh", "$(touch x); *"], stdout=tmp_path / "o")

    assert (tmp_path / "o").read_text() == f"{tmp_path}\n$(touch x); *\n"


def test_a_pipe_hands_on_what_each_writes(toolbox: Toolbox, tmp_path: Path) -> None:
    many = ["seq", 1, 200_000]

    toolbox.pipe([many, ["sed", "s/^/x/"], ["tail", "-n", 1]], stdout=tmp_path / "o")

    assert (tmp_path / "o").read_text() == "x200000\n"


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_failure_of_any_member_of_a_pipe_counts(toolbox: Toolbox, position: int) -> None:
    commands: list[Command] = [["echo", "data"], ["cat"], ["cat"]]
    commands[position] = sh("cat > /dev/null; exit 3")

    with pytest.raises(ToolFailure, match=r"^sh ended with exit status 3$"):
        toolbox.pipe(commands)


def test_the_reader_that_ended_early_is_blamed_and_not_its_writers(toolbox: Toolbox) -> None:
    with pytest.raises(ToolFailure, match=r"^sh ended with exit status 4$"):
        toolbox.pipe([["yes"], ["cat"], sh("exit 4")])


def test_a_reader_that_leaves_data_unread_is_a_failure_as_with_pipefail(toolbox: Toolbox) -> None:
    with pytest.raises(ToolFailure, match=r"^yes ended with signal 13$"):
        toolbox.pipe([["yes"], ["true"]])


def test_the_writer_that_lost_its_reader_is_the_one_that_is_named(toolbox: Toolbox) -> None:
    with pytest.raises(ToolFailure, match=r"^yes ended with signal 13$"):
        toolbox.pipe([["true"], ["yes"], ["true"]])


@pytest.mark.parametrize("how", ["kill -9 $$", "exit 137", "kill -KILL $$"])
def test_a_killed_tool_is_out_of_memory(toolbox: Toolbox, how: str) -> None:
    with pytest.raises(OutOfMemory, match="sh was killed: out of memory"):
        toolbox.run(sh(how))


@pytest.mark.parametrize("how", ["kill -ILL $$", "exit 132"])
def test_a_tool_built_for_another_cpu_is_an_illegal_instruction(toolbox: Toolbox, how: str) -> None:
    with pytest.raises(IllegalInstruction, match="SIGILL"):
        toolbox.run(sh(how))


def test_a_killed_writer_counts_though_its_reader_ends_well(toolbox: Toolbox) -> None:
    with pytest.raises(OutOfMemory):
        toolbox.pipe([sh("echo some; kill -9 $$"), ["cat"]])


@pytest.mark.parametrize("how", ["exit 1", "kill -SEGV $$", "kill -TERM $$"])
def test_any_other_end_is_the_failure_of_the_tool_itself(toolbox: Toolbox, how: str) -> None:
    with pytest.raises(ToolFailure):
        toolbox.run(sh(how))


def test_a_tool_whose_child_the_kernel_killed_for_memory_is_out_of_memory(
    toolbox: Toolbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("pgfault 9\noom_kill 3\n")
    monkeypatch.setattr(tools, "VMSTAT", vmstat)

    with pytest.raises(OutOfMemory):
        toolbox.run(sh(f"printf 'oom_kill 4\\n' > {vmstat}; exit 2"))
    with pytest.raises(ToolFailure):
        toolbox.run(sh("exit 2"))


def test_java_without_memory_is_out_of_memory(
    toolbox: Toolbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pilon = tmp_path / "pilon"
    pilon.write_text("#!/bin/sh\nexit 3\n")
    pilon.chmod(0o755)

    with pytest.raises(OutOfMemory, match="Java heap"):
        toolbox.run([pilon])


def test_a_tool_that_fails_on_a_full_disk_may_be_tried_again(
    toolbox: Toolbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))

    with pytest.raises(TemporaryFailure, match="the disk is full"):
        toolbox.run(sh("exit 1"))


@pytest.mark.parametrize("position", [0, 1])
def test_a_program_that_is_not_there_is_named_and_nothing_is_left_running(
    toolbox: Toolbox, position: int
) -> None:
    commands: list[Command] = [["sleep", "60"], ["cat"]]
    commands[position] = ["no-such-tool", "--help"]

    with pytest.raises(ToolFailure, match=r"^no-such-tool is not installed, or not on PATH$"):
        toolbox.pipe(commands)


def test_a_program_that_may_not_be_run_is_no_reason_to_try_again(
    toolbox: Toolbox, tmp_path: Path
) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")

    with pytest.raises(ToolFailure, match="tool is not installed"):
        toolbox.run([tmp_path / "tool"])


def test_processor_time_adds_up_and_memory_is_that_of_the_largest(toolbox: Toolbox) -> None:
    busy = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"

    toolbox.run(sh(busy))
    once = toolbox.usage.cpu_seconds
    toolbox.pipe([sh(busy), sh(busy)])

    assert once > 0.01
    assert toolbox.usage.cpu_seconds > 2 * once
    assert 0.5 < toolbox.usage.max_rss_mb < 1000


def test_usage_counts_also_when_the_tool_fails(toolbox: Toolbox) -> None:
    with pytest.raises(ToolFailure):
        toolbox.run(sh("exit 1"))

    assert toolbox.usage.max_rss_mb > 0.5
