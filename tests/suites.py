"""Run the suites of tests, all of them even where one fails: `suites.py [SUITE...]`.

The suites of a lane run one after the other, and the lanes run in parallel: those of the emulated
AWS mostly wait, while the others compute.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

PYTEST = (sys.executable, "-m", "pytest")
CHECK = {"check": ("make", "check")}
# Parts of tests/aws, by their files: the emulated AWS itself, and the executor on it.
PARTS = {name: f"test_{name}_*" for name in ("emulator", "executor")}
LANES = (
    CHECK
    | {suite: (*PYTEST, f"tests/{suite}") for suite in ("workflow", "download", "wheels")}
    | {"emulator": (*PYTEST, *map(str, sorted(Path("tests/aws").glob(PARTS["emulator"]))))},
    {
        "executor": (*PYTEST, *map(str, sorted(Path("tests/aws").glob(PARTS["executor"])))),
        "browser": (*PYTEST, "tests/browser"),
    },
    {
        "aws": (*PYTEST, "tests/aws", *(f"--ignore-glob=*/{files}" for files in PARTS.values())),
        "infra": (*PYTEST, "tests/infra"),
        "slurm": (*PYTEST, "tests/slurm"),
    },
)


@dataclass
class Outcome:
    """How a suite ended."""

    suite: str
    word: str
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    """Pytest's own lines about tests that failed."""


class Runner:
    """Runs suites, each in a separate process."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._is_stopped = False

    def run(self, lanes: Sequence[Mapping[str, Sequence[str]]]) -> list[Outcome]:
        """Run lanes in parallel."""
        with ThreadPoolExecutor(len(lanes)) as pool:
            return [outcome for lane in pool.map(self._run_lane, lanes) for outcome in lane]

    def stop(self, number: int, _frame: object) -> None:
        """Let running suites tear down what they have set up, and start no others (on a signal).

        Ctrl-C on a terminal reaches them without this.
        """
        self._is_stopped = True
        if number == signal.SIGTERM:
            for process in tuple(self._running):
                process.send_signal(signal.SIGINT)

    def _run_lane(self, lane: Mapping[str, Sequence[str]]) -> list[Outcome]:
        return [
            Outcome(suite, "not run") if self._is_stopped else self._run_suite(suite, command)
            for suite, command in lane.items()
        ]

    def _run_suite(self, suite: str, command: Sequence[str]) -> Outcome:
        """Run one suite; every line of output is shown with its name."""
        begun = time.monotonic()
        failures = []
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            self._running.add(process)
            assert process.stdout is not None
            for line in process.stdout:
                print(f"{suite:<8} | {line}", end="", flush=True)
                if line.startswith(("FAILED ", "ERROR ")):
                    failures.append(line.rstrip())
        self._running.remove(process)
        word = "FAILED" if process.returncode else "passed"
        return Outcome(suite, word, time.monotonic() - begun, failures)


def report(outcomes: list[Outcome]) -> bool:
    """Print a line for each suite, then the failures; return whether all have passed."""
    print()
    for outcome in outcomes:
        print(f"{outcome.suite:<8} {outcome.word:<7} {outcome.seconds:6.0f} s")
    for outcome in outcomes:
        for line in outcome.failures:
            print(f"{outcome.suite:<8} | {line}")
    return all(outcome.word == "passed" for outcome in outcomes)


def main(chosen: list[str]) -> int:
    """Run all suites, or the named ones; return the exit status."""
    known = [suite for lane in LANES for suite in lane]
    if unknown := sorted(set(chosen) - set(known)):
        print(f"no such suite: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    wanted = chosen or known
    runner = Runner()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, runner.stop)
    lanes = [{suite: paths for suite, paths in lane.items() if suite in wanted} for lane in LANES]
    return 0 if report(runner.run(lanes)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
