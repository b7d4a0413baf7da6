"""The report's section Cost: the bill of a run on AWS Batch, and nothing elsewhere."""

import json
import re
from html import unescape
from pathlib import Path

import pytest
from support.synthetic_cohort import write_genomes
from support.usage import make_row, write_usage

from bactofleet.cost.display import HEADINGS
from bactofleet.report import write_report

SPOT_HOUR = 0.048 * 4 * 0.45


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two genomes with tarballs of 1 GB on S3."""
    for sample in write_genomes(tmp_path, ["complete", "excluded"]):
        path = tmp_path / "receipts" / f"{sample}.json"
        receipt = json.loads(path.read_text())
        receipt["tarball"] = {"path": f"s3://b/r/{sample}.tar.gz", "bytes": 2**30}
        path.write_text(json.dumps(receipt))
    return tmp_path


def render(results: Path) -> str:
    samples = sorted(path.stem for path in (results / "receipts").iterdir())
    return write_report(results, samples).page.read_text()


def rows_of(page: str) -> dict[str, list[str]]:
    """Cells of the bill by charge."""
    (table,) = re.findall(r'<table class="plain bill">(.*?)</table>', page, re.DOTALL)
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', table, re.DOTALL)
    return {
        unescape(charge): [unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", cells)]
        for charge, cells in rows
    }


def test_a_run_on_aws_has_its_bill_in_the_report(results):
    write_usage(results, [make_row("a", disk_gib=60), make_row("b", instance_id="i-2")])

    page = render(results)

    rows = rows_of(page)
    assert all(len(cells) == len(HEADINGS) for cells in rows.values())
    assert rows["EC2 spot, m6i.xlarge"][2] == f"{2 * SPOT_HOUR:.4f}"
    assert rows["S3, results kept"][0] == "2.0 GB-month"
    assert "total spent" in rows
    assert '<a href="#cost">Cost</a>' in page


def test_a_run_elsewhere_has_no_section_of_cost(results):
    page = render(results)

    assert "#cost" not in page
    assert 'id="cost"' not in page


def test_text_of_others_is_only_text(results):
    hostile = "<script>alert(1)</script>"
    write_usage(results, [make_row("a", instance_type=hostile)])

    page = render(results)

    assert hostile not in page
    assert f"EC2 spot, {hostile}" in rows_of(page)
