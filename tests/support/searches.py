"""A project to search from, and services to search in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.archives import Archives, Fault, Request, Run, Server, make_run
from support.sheets import SCHEMA

from bactofleet.archives import ena, retry, sra
from bactofleet.cli.main import main
from bactofleet.core.samples import Sample, check_samples

REPOSITORY = Path(__file__).parents[2]
SHEET = Path("config/samples.tsv")
LEFT_OUT = Path("config/samples-left-out.tsv")
DOWN = Fault(status=503)


@pytest.fixture
def archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archives]:
    """Return the services; the working directory is a project, and nobody waits for long."""
    (tmp_path / "workflow").symlink_to(REPOSITORY / "workflow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(sra, "PAUSE_S", 0)
    with Server() as archives:
        for name, value in archives.environment().items():
            monkeypatch.setenv(name, value)
        yield archives


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for no more than 2 experiments at once."""
    monkeypatch.setattr(ena.Ena, "batch_size", 2)
    monkeypatch.setattr(sra.Sra, "batch_size", 2)


def search(query: str, *options: str) -> int:
    return main(["search", query, *options])


def samples() -> dict[str, Sample]:
    """Return the sheet's samples, checked as the workflow checks them."""
    return dict(check_samples(SHEET, SCHEMA))


def left_out() -> dict[str, str]:
    lines = LEFT_OUT.read_text().splitlines()[1:]
    return dict(line.split("\t") for line in lines)


def describes(request: Request) -> bool:
    """Say whether a request is for the description of experiments."""
    return "efetch" in request.path or "base_count" in request.form.get("fields", "")


def break_once(part: Callable[[Request], bool]) -> Callable[[Request], Fault | None]:
    """Return a fault that breaks the first answer of a kind in its middle."""
    faults = [Fault(broken=True)]
    return lambda request: faults.pop() if faults and part(request) else None


def make_runs(*numbers: int, **values: Any) -> list[Run]:
    return [make_run(number, **values) for number in numbers]
