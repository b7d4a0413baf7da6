"""`bactofleet status` as its users see it: counts, forecast, failures; and nothing is changed."""

import io
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from support.projects import write_project
from support.synthetic_cohort import write_genomes
from support.usage import make_row, write_usage

from bactofleet.cli import main as cli
from bactofleet.cli import status as command
from bactofleet.core.destination import scratch_folder
from bactofleet.core.times import format_duration
from bactofleet.monitor.display import to_json, to_lines, to_panel
from bactofleet.monitor.snapshot import MIN_PAUSE_S, Observer, Snapshot
from bactofleet.monitor.wording import describe_briefly
from bactofleet.records.folder import lock_results
from snakemake_executor_plugin_aws_batch_array.api import JobCounts
from snakemake_executor_plugin_aws_batch_array.ledger import Ledger, OpenChild
from snakemake_executor_plugin_aws_batch_array.paths import LEDGER

KINDS = ["complete"] * 6 + ["excluded"] + ["failed"] * 3 + ["waiting"] * 10


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder after a run; the tests work in it."""
    monkeypatch.chdir(tmp_path)
    samples = write_genomes(tmp_path / "results", KINDS)
    write_project(tmp_path, samples)
    return tmp_path


@pytest.fixture
def under_way(project: Path) -> Iterator[Path]:
    """A run that began an hour ago, has finished the seven genomes since and makes two more."""
    now = time.time()
    for index, path in enumerate(sorted((project / "results" / "receipts").iterdir())):
        finished = datetime.fromtimestamp(now - 3300 + 420 * index, UTC)
        receipt = json.loads(path.read_text()) | {"finished": f"{finished:%Y-%m-%dT%H:%M:%SZ}"}
        path.write_text(json.dumps(receipt))
    for sample, stage in zip(samples_of(project)[-2:], ("qc", "assembly"), strict=True):
        (scratch_of(project) / sample / stage / "work").mkdir(parents=True)
    with lock_results(project / "results"):
        os.utime(project / "results" / ".lock", (now - 3600, now - 3600))
        yield project


def scratch_of(project: Path) -> Path:
    return scratch_folder(str(project / "scratch"), str(project / "results"))


def samples_of(project: Path) -> list[str]:
    return (project / "config" / "samples.tsv").read_text().split()[1:]


def observe(project: Path) -> Snapshot:
    return Observer(project / "results", scratch_of(project), samples_of(project)).look()


def submit(project: Path, samples: list[str]) -> Ledger:
    (project / "results" / LEDGER).parent.mkdir()
    ledger = Ledger(project / "results" / LEDGER)
    children = [OpenChild(name, f"results/receipts/{name}.json") for name in samples]
    ledger.open_run("prefix", "definition")
    ledger.open_array("array", "prefix", "queue", children)
    ledger.record_job("array", "id")
    return ledger


def status(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert cli.main(["status", *options]) == 0
    return capsys.readouterr().out


def test_every_genome_of_the_sheet_is_counted_once(project: Path):
    genomes = observe(project).genomes

    assert (genomes.complete, genomes.excluded, genomes.failed) == (6, 1, 3)
    assert (genomes.running, genomes.submitted, genomes.waiting) == (0, 0, 10)
    assert genomes.total == genomes.ended + genomes.remaining == 20


def test_a_run_under_way_shows_what_it_makes_and_when_it_ends(under_way: Path):
    snapshot = observe(under_way)

    assert snapshot.running_stages == {"qc": 1, "assembly": 1}
    assert (snapshot.genomes.running, snapshot.genomes.waiting) == (2, 8)
    assert snapshot.throughput is not None
    assert snapshot.throughput.per_hour == pytest.approx(7, rel=0.01)
    assert snapshot.time_left is not None
    assert 1800 < snapshot.time_left.seconds < 4 * 3600


def test_the_money_so_far_is_that_of_the_attempts_and_at_the_end_that_of_all_genomes(
    project: Path, capsys: pytest.CaptureFixture[str]
):
    """Ten of twenty genomes have ended."""
    write_usage(project / "results", [make_row("a"), make_row("b", instance_id="i-2")])

    money = observe(project).money

    assert money is not None
    assert money.spent_usd == pytest.approx(2 * 0.048 * 4 * 0.45, rel=0.2)
    assert money.at_end_usd == pytest.approx(2 * money.spent_usd)
    said = f"${money.spent_usd:.4f} so far, about ${money.at_end_usd:.4f} at the end"
    assert f"cost:        {said}" in status(capsys)
    assert json.loads(status(capsys, "--json"))["money"] == asdict(money)


def test_failures_come_before_what_a_small_terminal_crops(under_way: Path):
    out = io.StringIO()
    Console(file=out, width=80, color_system=None).print(to_panel(observe(under_way)))

    lines = out.getvalue().splitlines()
    failures = next(index for index, line in enumerate(lines) if line.startswith("failures"))
    facts = next(index for index, line in enumerate(lines) if line.startswith("run "))
    assert failures < facts
    assert failures < 5


def test_without_spending_no_cost_is_shown(project: Path, capsys: pytest.CaptureFixture[str]):
    assert observe(project).money is None
    assert "cost:" not in status(capsys)


def test_a_look_adds_only_the_money_that_came(project: Path):
    observer = Observer(project / "results", scratch_of(project), samples_of(project))
    write_usage(project / "results", [make_row("a")])
    first = observer.look().money
    write_usage(project / "results", [make_row("b", instance_id="i-2")])
    second = observer.look().money

    assert first is not None
    assert second is not None
    assert second.spent_usd == pytest.approx(2 * first.spent_usd)
    assert observer.look().money == second


def test_what_lies_in_scratch_after_a_run_is_not_running(project: Path):
    (scratch_of(project) / samples_of(project)[-1] / "qc/work").mkdir(parents=True)

    snapshot = observe(project)

    assert snapshot.genomes.running == 0
    assert snapshot.time_left is None


def test_folders_that_ended_genomes_have_left_are_not_running(under_way: Path):
    """Stages before the one that failed keep their folders until the run ends."""
    failures = [json.loads(p.read_text()) for p in (under_way / "results" / "failed").iterdir()]
    failed = next(f["sample"] for f in failures if f["stage"] != "download")
    for sample in (failed, samples_of(under_way)[0]):
        (scratch_of(under_way) / sample / "download/work").mkdir(parents=True)

    snapshot = observe(under_way)

    assert snapshot.running_stages == {"qc": 1, "assembly": 1}
    assert snapshot.genomes.failed == 3


def test_submitted_genomes_are_neither_waiting_nor_failed(project: Path):
    failed, waiting = samples_of(project)[7], samples_of(project)[-1]
    submit(project, [failed, waiting])

    genomes = observe(project).genomes

    assert (genomes.submitted, genomes.failed, genomes.waiting) == (2, 2, 9)


def test_nothing_is_said_to_run_where_only_batch_knows(project: Path):
    before = describe_briefly(observe(project))
    submit(project, samples_of(project)[-4:])

    after = describe_briefly(observe(project))

    assert "0 running, 10 waiting" in before
    assert "3 failed, 4 submitted, 6 waiting" in after


def test_a_genome_that_several_files_tell_of_is_counted_once(under_way: Path):
    """Damaged receipts, failures and genomes under way, all submitted as well."""
    samples = samples_of(under_way)
    for name in samples[:2]:
        (under_way / "results" / "receipts" / f"{name}.json").write_text("{")
    submit(under_way, samples)

    genomes = observe(under_way).genomes

    assert (genomes.complete, genomes.excluded, genomes.failed) == (4, 1, 2)
    assert (genomes.running, genomes.submitted, genomes.waiting) == (2, 11, 0)


def test_why_jobs_wait_is_reported_while_jobs_are_open(project: Path):
    ledger = submit(project, samples_of(project)[:1])
    ledger.record_waiting("genomes", "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - none left")

    lines = to_lines(observe(project))
    assert "jobs wait:   in genomes since 20" in lines
    assert "AWS Batch says: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - none left" in lines

    (queue,) = json.loads(to_json(observe(project)))["queues"]
    assert (queue["queue"], queue["since"][:2], queue["since"][-1:]) == ("genomes", "20", "Z")

    ledger.close_children("array", [0])
    assert "jobs wait:" not in to_lines(observe(project))


def test_batch_tells_which_of_the_submitted_run(project: Path):
    submit(project, samples_of(project)[-4:])
    summary = {"RUNNABLE": 1, "RUNNING": 3}
    job = {"jobId": "id", "status": "PENDING", "arrayProperties": {"statusSummary": summary}}

    class Client:
        def iter_described(self, job_ids):
            return [job for _ in job_ids]

    samples = samples_of(project)
    snapshot = Observer(project / "results", scratch_of(project), samples, Client()).look()

    assert (snapshot.genomes.running, snapshot.genomes.submitted) == (3, 1)
    assert snapshot.batch == JobCounts(queued=1, running=3, ended=0)


def test_jobs_that_batch_does_not_describe_are_reported(project: Path):
    submit(project, samples_of(project)[-4:])

    class Client:
        def iter_described(self, job_ids):
            return []

    snapshot = Observer(project / "results", scratch_of(project), samples_of(project), Client())

    assert "1 arrays or jobs are unknown to Batch; they count as finished" in to_lines(
        snapshot.look()
    )


def test_what_a_run_has_left_on_aws_is_reported_unless_one_is_under_way(
    project: Path, capsys: pytest.CaptureFixture[str]
):
    assert "left on AWS" not in to_lines(observe(project))
    ledger = submit(project, samples_of(project)[:2])  # both have receipts

    told = "left on AWS: objects and a job definition of a finished run; the next start"
    assert told in status(capsys)
    assert observe(project).runs_left == 1
    with lock_results(project / "results"):
        assert observe(project).runs_left == 0
    ledger.forget_run("prefix")
    assert "left on AWS" not in to_lines(observe(project))


def test_a_receipt_that_cannot_be_read_is_a_failure_with_a_remedy(project: Path):
    (project / "results" / "receipts" / f"{samples_of(project)[0]}.json").write_text("{")

    snapshot = observe(project)

    assert (snapshot.genomes.complete, snapshot.genomes.failed) == (5, 4)
    assert "remove it to make the genome again" in snapshot.failures[0].message


def test_without_any_results_all_genomes_wait(project: Path, capsys: pytest.CaptureFixture[str]):
    (project / "results").rename(project / "elsewhere")

    out = status(capsys)

    assert "0 of 20 genomes ended" in out
    assert "no run is active" in out


def test_lines_of_text_where_there_is_no_terminal(
    under_way: Path, capsys: pytest.CaptureFixture[str]
):
    out = status(capsys)

    assert "genomes:     10 of 20 genomes ended (50.0%)" in out
    assert "running:     2 (" in out
    assert "running for 1 h 0 min" in out
    assert "7.0 genomes/h" in out
    assert "assembly   median" in out
    assert "the slowest" in out.split("assembly   median")[1].splitlines()[0]
    assert "\x1b" not in out


def test_json_has_all_of_it_and_every_failure(under_way: Path, capsys: pytest.CaptureFixture[str]):
    data = json.loads(status(capsys, "--json"))

    assert data["genomes"]["complete"] == 6
    assert data["started"].endswith("Z")
    assert data["time_left"]["low_s"] <= data["time_left"]["seconds"]
    assert len(data["failures"]) == 3
    assert {stage["stage"] for stage in data["stages"]} >= {"assembly", "publish"}


def test_the_terminal_shows_the_same_and_reads_no_markup(under_way: Path):
    path = next((under_way / "results" / "failed").iterdir())
    record = json.loads(path.read_text()) | {"message": "[red]no[/red] such [link=x]"}
    path.write_text(json.dumps(record))
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system=None)

    console.print(to_panel(observe(under_way)))

    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "10 of 20 genomes ended" in text
    assert "running for 1 h 0 min" in text
    assert "[red]no[/red] such [link=x]" in text
    assert "━" in text


def test_watching_looks_again_until_it_is_interrupted(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    waiting = samples_of(project)[-1]
    pauses = []

    def work(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt
        receipt = next((project / "results" / "receipts").iterdir()).read_text()
        changed = json.dumps(json.loads(receipt) | {"sample": waiting, "status": "excluded"})
        (project / "results" / "receipts" / f"{waiting}.json").write_text(changed)

    monkeypatch.setattr(command.time, "sleep", work)

    lines = status(capsys, "--watch", "--json").splitlines()

    assert [json.loads(line)["genomes"]["excluded"] for line in lines] == [1, 2]
    assert min(pauses) >= MIN_PAUSE_S


def test_looking_changes_nothing(under_way: Path, capsys: pytest.CaptureFixture[str]):
    submit(under_way, samples_of(under_way)[-4:])._connection.close()
    before = {path: path.lstat().st_mtime_ns for path in under_way.rglob("*")}

    status(capsys)

    assert {path: path.lstat().st_mtime_ns for path in under_way.rglob("*")} == before


def test_a_missing_sheet_is_named(project: Path, capsys: pytest.CaptureFixture[str]):
    (project / "config" / "samples.tsv").unlink()

    assert cli.main(["status"]) == 1
    assert "config/samples.tsv does not exist" in capsys.readouterr().err


def test_both_displays_agree(under_way: Path):
    snapshot = observe(under_way)

    assert json.loads(to_json(snapshot))["genomes"]["failed"] == 3
    assert "failed:      3" in to_lines(snapshot)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.7, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (7290, "2 h 1 min"),
        (187200, "2 d 4 h"),
    ],
)
def test_durations_have_two_units(seconds: float, text: str):
    assert format_duration(seconds) == text
