"""`bactofleet cost --estimate` as its users see it."""

import json
import re
from pathlib import Path

import pytest
import yaml
from support.pilots import PARAMETERS, make_receipt, write_receipts
from support.usage import make_row, write_usage

from bactofleet.cli import main as cli
from bactofleet.run.workflow import WorkflowRun

SCHEMAS = Path(__file__).parents[2] / "workflow" / "schemas"
CONFIG = {"results": "s3://bucket/results", "samples": "samples.tsv"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a hundred genomes to make, whose bases and sizes are known."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow" / "schemas").symlink_to(SCHEMAS)
    rows = "".join(f"SRX1000{i:02}\tSRR1000{i:02}\t9\t287000000\t2870000\n" for i in range(100))
    header = "accession\truns\tspots\tbases\tgenome_size\n"
    (tmp_path / "samples.tsv").write_text(header + rows)
    return tmp_path


def make_genomes(project: Path, count: int) -> None:
    """They took 3,000 seconds on average."""
    receipts = [make_receipt(f"SRX1000{i:02}", 3000 + 100 * (-1) ** i) for i in range(count)]
    write_receipts(project / "results", receipts)


def cost(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert cli.main(["cost", "--estimate", *options]) == 0
    return capsys.readouterr().out


def test_the_estimate_is_complete_before_anything_has_run(capsys: pytest.CaptureFixture[str]):
    usd = r"\$[\d.]+ \(95 %: \$[\d.]+ to \$[\d.]+\)"

    assert re.fullmatch(
        "genomes:    100 to do\n"
        rf"cost:       {usd}, \$0\.0\d+ each\n"
        rf"on demand:  {usd}, without spot instances\n"
        r"vCPU hours: 116 \(95 %: 39 to 348\)\n"
        r"time:       9 min 4 s to 2 h 13 min on 256 vCPUs\n"
        r"results:    0\.9 GB \(95 %: 0\.3 to 2\.8\), "
        r"\$0\.\d+ per month to store, \$0\.\d+ to download\n"
        "based on:   one genome measured elsewhere; your first genomes will improve it\n"
        "prices:     the dated table of the package; AWS was not asked\n",
        cost(capsys),
    )


def test_finished_genomes_are_not_to_do_and_make_the_forecast(project: Path, capsys):
    make_genomes(project, 30)

    told = json.loads(cost(capsys, "--json"))

    assert (told["genomes"], told["finished"], told["attempts"]) == (70, 30, 0)
    assert told["vcpu_hours"]["expected"] == pytest.approx(70 * 3000 / 900 * 1.1)
    assert told["usd"]["low"] < told["usd"]["expected"] < told["usd"]["high"]


def test_genomes_that_are_done_again_are_to_do(project: Path, capsys):
    make_genomes(project, 30)
    (project / "config" / "config.yaml").write_text(yaml.safe_dump(CONFIG | {"redo": "changed"}))

    assert "genomes:    100 to do\n" in cost(capsys)


def test_prices_of_ones_own_count(project: Path, capsys):
    table = project / "prices.yaml"
    table.write_text("vcpu_hour: {spot: {usd: 1.0}, on-demand: {usd: 2.0}}\n")

    told = json.loads(cost(capsys, "--json", "--prices", str(table)))

    assert told["usd"]["expected"] == pytest.approx(told["vcpu_hours"]["expected"], rel=0.01)
    assert told["usd_on_demand"]["expected"] == pytest.approx(
        2 * told["vcpu_hours"]["expected"], rel=0.01
    )


def test_more_vcpus_take_less_time_and_as_much_money(capsys: pytest.CaptureFixture[str]):
    few, many = (json.loads(cost(capsys, "--json", "--vcpus", n)) for n in ("4", "400"))

    assert few["hours"][0] == pytest.approx(100 * many["hours"][0])
    assert few["usd"] == many["usd"]


@pytest.mark.parametrize("vcpus", ["0", "-4", "many"])
def test_a_number_of_vcpus_that_is_none_is_refused(vcpus: str, capsys):
    with pytest.raises(SystemExit):
        cli.main(["cost", "--estimate", f"--vcpus={vcpus}"])

    assert "must be " in capsys.readouterr().err


def test_with_nothing_to_do_nothing_is_predicted(project: Path, capsys):
    make_genomes(project, 100)

    assert cost(capsys).splitlines()[0] == "genomes:    0 to do"


def test_the_estimate_is_what_a_start_of_the_workflow_says(project: Path, capsys):
    make_genomes(project, 20)
    write_usage(project / "results", [make_row("SRX100000")])
    WorkflowRun(CONFIG, SCHEMAS, is_main=True)
    lines = capsys.readouterr().err.splitlines()
    forecast = next(line for line in lines if "forecast: " in line)

    told = cost(capsys, "--offline")

    usd = next(line for line in told.splitlines() if line.startswith("cost:"))
    assert usd.removeprefix("cost:").rpartition(",")[0].strip() in forecast


def test_the_options_that_past_genomes_are_chosen_by_are_options():
    config = WorkflowRun(CONFIG, SCHEMAS, is_main=False).config

    assert {name: config[name] for name in PARAMETERS} == PARAMETERS
