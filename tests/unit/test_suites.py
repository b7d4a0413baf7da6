"""`make test` runs every suite, and tells at its end how each ended."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from suites import LANES, PYTEST, Runner, main, report

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def quick_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of the time of a start of pytest goes into plugins."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def write_suite(folder: Path, name: str, statement: str) -> dict[str, tuple[str, ...]]:
    path = folder / f"test_{name}.py"
    path.write_text(f"def test_it():\n    {statement}\n")
    return {name: (*PYTEST, str(path))}


def test_suites_that_fail_stop_no_other_and_are_reported_last(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    bad = write_suite(tmp_path, "bad", "assert 1 == 2")
    good = write_suite(tmp_path, "good", "pass")
    broken = write_suite(tmp_path, "broken", "no python")

    assert not report(Runner().run([bad | good, broken]))

    *_, first, second, third, failed, error = capfd.readouterr().out.splitlines()
    assert [line.split()[:2] for line in (first, second, third)] == [
        ["bad", "FAILED"],
        ["good", "passed"],
        ["broken", "FAILED"],
    ]
    assert failed.startswith("bad      | FAILED ")
    assert "test_bad.py::test_it" in failed
    assert error.startswith("broken   | ERROR ")


def test_suites_that_pass_pass(tmp_path: Path):
    assert report(Runner().run([write_suite(tmp_path, "good", "pass")]))


def test_a_suite_that_is_stopped_tears_down_and_no_other_begins(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    runner, begun, torn_down = Runner(), tmp_path / "begun", tmp_path / "torn-down"
    waiting = f"""
import pathlib, signal, pytest

@pytest.fixture
def resource():
    yield
    pathlib.Path({str(torn_down)!r}).touch()

def test_it(resource):
    pathlib.Path({str(begun)!r}).touch()
    signal.pause()
"""
    path = tmp_path / "test_waiting.py"
    path.write_text(waiting)
    lane = {"waiting": (*PYTEST, str(path))} | write_suite(tmp_path, "later", "pass")

    with ThreadPoolExecutor() as pool:
        outcomes = pool.submit(runner.run, [lane])
        while not begun.exists() and not outcomes.done():
            time.sleep(0.01)
        runner.stop(signal.SIGTERM, None)

    assert [outcome.word for outcome in outcomes.result()] == ["FAILED", "not run"]
    assert torn_down.exists()


def test_a_suite_that_there_is_not_is_named(capsys: pytest.CaptureFixture[str]):
    assert main(["check", "checks"]) == 2

    assert "no such suite: checks; there are check, workflow" in capsys.readouterr().err


def test_every_folder_of_tests_is_in_a_suite():
    words = {word for lane in LANES for command in lane.values() for word in command}
    if "check" in words:
        words |= set((REPOSITORY / "Makefile").read_text().partition("\ncheck:")[2].split())
    found = {path.parent.relative_to(REPOSITORY) for path in REPOSITORY.glob("tests/*/test_*.py")}

    assert {str(folder) for folder in found} <= words
