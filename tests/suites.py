"""Run the suites of tests, all of them even where one fails: `suites.py [SUITE...]`.

Suites of a lane follow each other. Those with containers need a machine's two cores themselves and
share its container engine; the others take one core, and run beside them.
"""

import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

LANES = (
    {"unit": ["tests/unit", "packages"], "browser": ["tests/browser"]},
    {suite: [f"tests/{suite}"] for suite in ("workflow", "slurm", "download", "aws", "infra")},
)


@dataclass
class Outcome:
    """How a suite ended."""

    suite: str
    passed: bool
    seconds: float
    failures: list[str] = field(default_factory=list)
    """Pytest's own lines about tests that failed."""


def run_suite(suite: str, paths: list[str]) -> Outcome:
    """Run pytest on some paths, in a process of its own; every line is shown with its suite."""
    begun = time.monotonic()
    failures = []
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *paths],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as pytest:
        assert pytest.stdout is not None
        for line in pytest.stdout:
            print(f"{suite:<8} | {line}", end="", flush=True)
            if line.startswith(("FAILED ", "ERROR ")):
                failures.append(line.rstrip())
    return Outcome(suite, pytest.returncode == 0, time.monotonic() - begun, failures)


def run_lane(lane: Mapping[str, list[str]]) -> list[Outcome]:
    """Run suites one after the other."""
    return [run_suite(suite, paths) for suite, paths in lane.items()]


def run_lanes(lanes: Iterable[Mapping[str, list[str]]]) -> bool:
    """Run lanes side by side; print how each suite ended, and return whether all have passed."""
    with ThreadPoolExecutor() as pool:
        outcomes = [outcome for lane in pool.map(run_lane, lanes) for outcome in lane]
    print()
    for outcome in outcomes:
        word = "passed" if outcome.passed else "FAILED"
        print(f"{outcome.suite:<8} {word} {outcome.seconds:6.0f} s")
    for outcome in outcomes:
        for line in outcome.failures:
            print(f"{outcome.suite:<8} | {line}")
    return all(outcome.passed for outcome in outcomes)


def main(chosen: list[str]) -> int:
    """Run all suites, or those that are named; return the exit status."""
    known = [suite for lane in LANES for suite in lane]
    if unknown := sorted(set(chosen) - set(known)):
        print(f"no such suite: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    lanes = [{s: paths for s, paths in lane.items() if s in (chosen or known)} for lane in LANES]
    return 0 if run_lanes(lanes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
