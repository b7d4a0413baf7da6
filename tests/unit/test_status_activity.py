"""What is at work on this machine: told without touching it."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bactofleet.core.errors import ConfigurationError
from bactofleet.monitor import activity
from bactofleet.monitor.activity import find_running, get_start
from bactofleet.records.failure import Failure
from bactofleet.records.folder import lock_results

SAMPLES = {"a", "b", "c"}


def begin(scratch: Path, sample: str, *stages: str) -> None:
    for stage in stages:
        (scratch / sample / stage / "work").mkdir(parents=True)


def test_a_run_is_under_way_while_it_holds_the_lock(tmp_path: Path):
    with lock_results(tmp_path):
        assert get_start(tmp_path) == (tmp_path / ".lock").stat().st_mtime

    assert get_start(tmp_path) is None


def test_the_run_of_another_process_is_seen(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from bactofleet.records.folder import lock_results\n"
    )
    code += "lock = lock_results(Path(sys.argv[1])); print('locked', flush=True); input()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        during = get_start(tmp_path)
        other.communicate(b"\n")

    assert during is not None
    assert get_start(tmp_path) is None


def test_each_run_has_its_own_start(tmp_path: Path):
    lock_results(tmp_path).close()
    os.utime(tmp_path / ".lock", (1, 1))

    with lock_results(tmp_path):
        start = get_start(tmp_path)

    assert start is not None
    assert start > 1


def test_a_start_that_is_refused_leaves_the_age_of_the_run(tmp_path: Path):
    with lock_results(tmp_path):
        os.utime(tmp_path / ".lock", (1000, 1000))
        with pytest.raises(ConfigurationError, match="in use by another run"):
            lock_results(tmp_path)
        start = get_start(tmp_path)

    assert start == 1000


def test_looking_keeps_no_run_out(tmp_path: Path):
    (tmp_path / ".lock").touch()
    taken = []

    get_start(tmp_path)
    with (tmp_path / ".lock").open("r+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        taken.append(get_start(tmp_path))
        with pytest.raises(ConfigurationError, match="in use by another run"):
            lock_results(tmp_path)

    assert taken != [None]


def test_where_the_kernel_tells_no_locks_no_run_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(activity, "KERNEL_LOCKS", tmp_path / "none")

    with lock_results(tmp_path):
        assert get_start(tmp_path) is None


def test_a_genome_is_running_in_the_last_stage_that_it_has_a_folder_of(tmp_path: Path):
    begin(tmp_path, "a", "download", "qc", "assembly")
    begin(tmp_path, "b", "download")
    begin(tmp_path, "c")

    assert find_running(tmp_path, SAMPLES, {}) == {"a": "assembly", "b": "download"}


def test_folders_and_files_of_others_do_not_run(tmp_path: Path):
    begin(tmp_path, "foreign", "download")
    (tmp_path / "b").write_text("a file")

    assert find_running(tmp_path, SAMPLES, {}) == {}


def test_a_failed_genome_runs_again_when_its_failed_stage_has_a_folder_again(tmp_path: Path):
    failed = Failure(sample="a", stage="qc", kind="infrastructure", message="disk full", log="")
    failures = {"a": failed}
    begin(tmp_path, "a", "download")
    assert find_running(tmp_path, SAMPLES, failures) == {}

    begin(tmp_path, "a", "qc")

    assert find_running(tmp_path, SAMPLES, failures) == {"a": "qc"}


def test_without_scratch_nothing_runs(tmp_path: Path):
    assert find_running(tmp_path / "none", SAMPLES, {}) == {}


def test_a_stage_whose_files_have_gone_is_over(tmp_path: Path):
    begin(tmp_path, "a", "download")
    (tmp_path / "a/qc").mkdir()

    assert find_running(tmp_path, SAMPLES, {}) == {"a": "download"}
