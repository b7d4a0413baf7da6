"""`bactofleet cost` as its users see it."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.synthetic_cohort import write_genomes
from support.usage import make_row, write_usage

from bactofleet.cli import main as cli
from bactofleet.cost.bill import make_bill
from bactofleet.cost.display import BillTable
from bactofleet.cost.prices import load_prices
from bactofleet.records.attempt import Tarballs, read_attempts

SCHEMAS = Path(__file__).parents[2] / "workflow" / "schemas"
SPOT_HOUR = 0.048 * 4 * 0.45
GIB = 2**30


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project after a run on AWS: two genomes of 1 GB each, one of them reclaimed once."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("results: s3://bucket/results\n")
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow" / "schemas").symlink_to(SCHEMAS)
    a, b = write_genomes(tmp_path / "results", ["complete", "excluded"])
    for path in (tmp_path / "results" / "receipts").iterdir():
        receipt = json.loads(path.read_text())
        receipt["tarball"] = {"path": f"s3://bucket/results/{path.stem}.tar.gz", "bytes": GIB}
        path.write_text(json.dumps(receipt))
    rows = [
        make_row(a, instance_id="i-1", outcome="reclaimed", disk_gib=60, booted=0),
        make_row(a, instance_id="i-2", disk_gib=60, booted=0),
        make_row(b, instance_id="i-3", disk_gib=60, booted=0),
    ]
    write_usage(tmp_path / "results", rows)
    return tmp_path


def cost(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    assert cli.main(["cost", *options]) == 0
    printed = capsys.readouterr()
    return printed.out, printed.err


def lines_of(text: str) -> dict[str, dict[str, str]]:
    rows = csv.DictReader(io.StringIO(text), dialect="excel-tab")
    return {row["charge"]: row for row in rows}


def test_the_bill_is_a_table_of_tab_separated_lines(project, capsys):
    lines = lines_of(cost(capsys, "--offline")[0])

    ec2 = lines["EC2 spot, m6i.xlarge"]
    assert (ec2["usage"], ec2["unit"]) == ("3", "h")
    assert float(ec2["usd"]) == pytest.approx(3 * SPOT_HOUR, abs=1e-4)
    assert float(ec2["price_usd"]) == pytest.approx(SPOT_HOUR)
    assert ec2["source"].endswith("spot-advisor-data.json")
    assert (ec2["date"], ec2["note"]) == ("2025-06-28", "4 vCPUs of m6i, 55 % below on demand")
    assert float(lines["EBS, disks of instances"]["usd"]) == pytest.approx(
        3 * 60 / 730 * 0.08, abs=1e-4
    )
    assert float(lines["public IPv4 addresses"]["usd"]) == pytest.approx(0.015)


def test_totals_are_the_sums_of_what_was_spent_and_of_what_will_be(project, capsys):
    out, _ = cost(capsys, "--offline")
    rows = list(csv.DictReader(io.StringIO(out), dialect="excel-tab"))

    for kind in ("spent", "a month", "if downloaded"):
        *parts, total = [float(row["usd"]) for row in rows if row["kind"] == kind]
        assert sum(parts) == pytest.approx(total, abs=1e-3)
    shares = [float(row["percent"]) for row in rows if row["kind"] == "spent"]
    assert sum(shares[:-1]) == pytest.approx(shares[-1]) == 100


def test_waste_is_part_of_ec2_and_in_no_sum(project, capsys):
    lines = lines_of(cost(capsys, "--offline")[0])

    waste = lines["wasted: attempts that were reclaimed"]
    assert waste["kind"] == "of which"
    assert float(waste["usd"]) == pytest.approx(SPOT_HOUR, abs=1e-4)


def test_requests_are_those_of_the_design(project, capsys):
    """Two attempts returned something, three staged in; a GB goes up in 128 parts and two more."""
    lines = lines_of(cost(capsys, "--offline")[0])

    assert float(lines["S3, PUT requests"]["usage"]) == pytest.approx((2 + 2 * 130) / 1000)
    assert float(lines["S3, GET requests"]["usage"]) == pytest.approx((3 * 2 + 2) / 1000)


def test_results_are_paid_by_the_month_and_by_the_download(project, capsys):
    lines = lines_of(cost(capsys, "--offline")[0])

    assert float(lines["S3, results kept"]["usd"]) == pytest.approx(2 * 0.023)
    assert float(lines["data transfer out of AWS"]["usd"]) == pytest.approx(2 * 0.09)
    assert float(lines["data transfer out of AWS"]["usd_per_genome"]) == pytest.approx(0.09)


def test_results_on_this_machine_are_not_kept_on_s3(project, capsys):
    for path in (project / "results" / "receipts").iterdir():
        path.write_text(path.read_text().replace("s3://bucket/", ""))

    lines = lines_of(cost(capsys, "--offline")[0])

    assert "S3, results kept" not in lines
    assert "data transfer out of AWS" not in lines


def test_prices_of_ones_own_are_taken_and_named(project, capsys):
    (project / "own.yaml").write_text("instance_hour: {spot: {usd: {m6i.xlarge: 1.5}}}\n")

    out, err = cost(capsys, "--prices", "own.yaml")

    assert float(lines_of(out)["EC2 spot, m6i.xlarge"]["usd"]) == pytest.approx(4.5)
    assert "prices: own.yaml, and what it leaves out from the table" in err


def test_json_has_the_lines_and_the_totals(project, capsys):
    data = json.loads(cost(capsys, "--offline", "--json")[0])

    spent = sum(line["usd"] for line in data["lines"] if line["kind"] == "spent")
    assert data["spent_usd"] == pytest.approx(spent)
    assert data["spent_usd_per_genome"] == pytest.approx(spent / 2)
    assert (data["genomes"], data["attempts"]) == (2, 3)
    transfer = next(line for line in data["lines"] if line["kind"] == "if downloaded")
    assert transfer["price"]["tiers"][-1] == {"up_to": None, "usd": 0.05}


def test_the_genomes_that_cost_most_are_named(project, capsys):
    _, err = cost(capsys, "--offline")

    line = next(line for line in err.splitlines() if line.startswith("EC2 per genome"))
    assert f"most expensive {sorted_samples(project)[0]} ${2 * SPOT_HOUR:.4f}" in line


def sorted_samples(project: Path) -> list[str]:
    """Samples by what they cost, the most expensive first."""
    attempts = read_attempts(project / "results")
    bill = make_bill(attempts, Tarballs(0, ()), load_prices())
    return [name for name, _ in bill.most_expensive(2)]


def test_a_terminal_gets_a_table_and_what_the_numbers_in_it_mean(project):
    bill = make_bill(read_attempts(project / "results"), Tarballs(2, (GIB,)), load_prices())
    console = Console(width=150, file=io.StringIO(), force_terminal=True, color_system=None)

    console.print(BillTable(bill, "the dated table"))

    text: Any = console.file.getvalue()  # type: ignore[attr-defined]
    assert "of which wasted: attempts that were reclaimed" in text
    assert "total spent" in text
    assert "[1] " in text


def test_names_of_others_are_not_read_as_markup(project):
    write_usage(project / "results", [make_row("x", instance_type="[red]evil", instance_id="i-9")])
    bill = make_bill(read_attempts(project / "results"), Tarballs(0, ()), load_prices())
    console = Console(width=200, file=io.StringIO(), force_terminal=True, color_system=None)

    console.print(BillTable(bill, "[bold]note"))

    text: Any = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[red]evil" in text
    assert "[bold]note" in text


def test_without_attempts_there_is_no_bill(project, capsys):
    (project / "results" / "usage.tsv").unlink()

    assert cli.main(["cost"]) == 1

    assert "results/usage.tsv has no attempts" in capsys.readouterr().err


def test_a_run_without_receipts_has_a_bill_and_no_price_a_genome(project, capsys):
    for path in (project / "results" / "receipts").iterdir():
        path.unlink()

    data = json.loads(cost(capsys, "--offline", "--json")[0])

    assert data["spent_usd"] > 0
    assert data["spent_usd_per_genome"] is None


def test_a_receipt_that_cannot_be_read_does_not_stop_the_bill(project, capsys):
    next((project / "results" / "receipts").iterdir()).write_text("{")

    assert json.loads(cost(capsys, "--offline", "--json")[0])["genomes"] == 1
