"""`bactofleet launch`: what is shown, asked and started. What a start does is in test_launch_*."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.projects import SCHEMAS

from bactofleet.cli import launch
from bactofleet.cli.main import main
from bactofleet.launch.place import Place
from bactofleet.launch.shards import Shards
from bactofleet.launch.start import Standing

PREFIX = "SNAKEMAKE_AWS_BATCH_ARRAY_"
SETTINGS = {name: f"my-{name}" for name in launch.NEEDED}
GENOMES = 5


class Started(list[int]):
    """Numbers of shards of the runs that were started."""

    def __call__(self, session: Any, standing: Standing, *args: Any) -> list[str]:
        number = args[2]
        self.append(number)
        return [f"job-{i}" for i in range(number)]


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Started:
    """A project with five genomes to make, ready to be launched in an account."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    config = {"results": "s3://bucket/results", "samples": "samples.tsv"}
    Path("config/config.yaml").write_text(yaml.safe_dump(config))
    Path("workflow").mkdir()
    Path("workflow/schemas").symlink_to(SCHEMAS)
    rows = "".join(f"SRX100000{i}\n" for i in range(GENOMES))
    Path("samples.tsv").write_text(f"accession\n{rows}")
    for name, value in SETTINGS.items():
        monkeypatch.setenv(PREFIX + name.upper().replace("-", "_"), value)
    started = Started()
    monkeypatch.setattr(launch.doctor, "examine", lambda _: None)
    monkeypatch.setattr(launch, "pack_project", lambda *_: b"project")
    monkeypatch.setattr(launch, "open_session", lambda _: None)
    monkeypatch.setattr(launch, "start", started)
    stand(monkeypatch)
    return started


def stand(monkeypatch: pytest.MonkeyPatch, **known: Any) -> None:
    """Let that be known of the run before the launch."""

    @contextmanager
    def find(session: Any, run: Place, project: bytes, results: Path, queue: str) -> Iterator[Any]:
        assert (project, queue) == (b"project", "my-controller-queue")
        yield Standing(run, results, **known)

    monkeypatch.setattr(launch, "find_standing", find)


@pytest.mark.parametrize(
    ("number", "told"), [(1, "its controller is job job-0."), (2, "its controller is 2 jobs.")]
)
def test_a_run_is_started_after_its_cost_was_shown(
    started: Started, capsys: pytest.CaptureFixture[str], number: int, told: str
) -> None:
    assert main(["launch", "--yes", "--shards", str(number)]) == 0

    shown = capsys.readouterr().out
    assert started == [number]
    assert told in shown
    assert f"shards:     {number}, of up to " in shown
    assert "per hour each, on demand" in shown
    assert "bactofleet status --run s3://my-bucket/" in shown


def test_a_dry_run_starts_nothing(started: Started, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["launch", "--dry-run"]) == 0

    assert not started
    assert "This was a dry run. Nothing was started." in capsys.readouterr().out


def test_without_confirmation_nothing_is_started(
    started: Started, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "n")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)

    assert main(["launch"]) == 1

    assert not started
    assert "Nothing was started." in capsys.readouterr().err


@pytest.mark.parametrize("is_reported", [True, False])
def test_a_finished_run_is_started_only_for_a_report_that_it_lacks(
    started: Started,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    is_reported: bool,
) -> None:
    stand(monkeypatch, shards=Shards(1), is_reported=is_reported)
    Path("samples.tsv").write_text("accession\n")

    assert main(["launch", "--yes"]) == 0

    assert started == ([] if is_reported else [1])
    assert ("All genomes are finished." in capsys.readouterr().out) == is_reported


def test_settings_that_are_missing_are_named(
    started: Started, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(f"{PREFIX}CONTROLLER_QUEUE")
    monkeypatch.delenv(f"{PREFIX}IMAGE")

    assert main(["launch", "--yes"]) == 1

    assert not started
    assert "not set: controller-queue, image; `bactofleet aws deploy`" in capsys.readouterr().err
