"""What to cite: every tool that a receipt can name has an entry, and those of a cohort are told."""

import random
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from support.synthetic_cohort import make_receipt, write_genomes, write_receipt

from bactofleet.archives.providers import PROVIDERS
from bactofleet.cli.main import main
from bactofleet.core.toolset import load_tools
from bactofleet.core.versions import PACKAGES
from bactofleet.report.cohort import read_cohort
from bactofleet.report.provenance.citations import (
    cite,
    cite_cohort,
    known_tools,
    to_bibtex,
    to_text,
)

REPOSITORY = Path(__file__).parents[2]


def cite_receipt(results: Path, **changed: Any) -> dict[str, str]:
    """Return the headings of the citations of a cohort of one genome, by tool."""
    write_genomes(results, [])
    write_receipt(results, make_receipt("S1", random.Random(1)) | changed)
    return {one.tool: one.heading for one in cite_cohort(read_cohort(results, ["S1"]))}


def test_every_tool_that_a_receipt_can_name_has_an_entry() -> None:
    asked = {*load_tools(), *PACKAGES, *PROVIDERS, "bactofleet", "python", "prokka database"}

    assert asked <= known_tools()


def test_every_entry_leads_to_a_publication_or_a_page() -> None:
    for citation in cite(dict.fromkeys(known_tools(), ())):
        addresses = [reference.url for reference in citation.references] or [citation.url]
        assert all(re.fullmatch(r"https?://[\w./()-]+", url) for url in addresses), citation


@pytest.mark.parametrize(
    ("tool", "doi"),
    [
        ("aragorn", "10.1093/nar/gkh152"),
        ("art_illumina", "10.1093/bioinformatics/btr708"),
        ("bactofleet", "10.1128/mSystems.00190-20"),
        ("blastp", "10.1186/1471-2105-10-421"),
        ("cmscan", "10.1093/bioinformatics/btt509"),
        ("ena", "10.1093/nar/gkq967"),
        ("fastp", "10.1093/bioinformatics/bty560"),
        ("hmmscan", "10.1371/journal.pcbi.1002195"),
        ("kmc", "10.1093/bioinformatics/btx304"),
        ("lighter", "10.1186/s13059-014-0509-9"),
        ("megahit", "10.1093/bioinformatics/btv033"),
        ("multiqc", "10.1093/bioinformatics/btw354"),
        ("pilon", "10.1371/journal.pone.0112963"),
        ("prodigal", "10.1186/1471-2105-11-119"),
        ("prokka", "10.1093/bioinformatics/btu153"),
        ("samtools", "10.1093/gigascience/giab008"),
        ("skesa", "10.1186/s13059-018-1540-z"),
        ("snakemake", "10.12688/f1000research.29032.2"),
        ("spades", "10.1002/cpbi.102"),
        ("sra", "10.1093/nar/gkq1019"),
    ],
)
def test_tools_are_cited_by_their_papers(tool: str, doi: str) -> None:
    (citation,) = cite({tool: ["1"]})

    assert citation.references[0].url == f"https://doi.org/{doi}"


def test_a_cohort_cites_the_tools_of_its_receipts_with_their_versions(tmp_path: Path) -> None:
    headings = cite_receipt(tmp_path, versions={"fastp": "0.24.0", "skesa": "2.4.0"})

    assert headings == {
        "bactofleet": "bactofleet (does what Bactopia does)",
        "fastp": "fastp 0.24.0",
        "multiqc": f"multiqc {metadata.version('multiqc')}",
        "shovill": "shovill (the assembly takes its steps)",
        "skesa": "skesa 2.4.0",
        "snakemake": f"snakemake {metadata.version('snakemake')}",
    }


def test_the_archive_that_delivered_is_cited(tmp_path: Path) -> None:
    files = [{"source": "https://x/a.gz", "bytes": 1, "sha256": "ab"}]
    runs = [{"run": "SRR1", "provider": "ena", "files": files}]

    headings = cite_receipt(tmp_path, input={"kind": "accession", "runs": runs})

    assert "ena" in headings
    assert "sra" not in headings


def test_several_versions_of_a_tool_are_all_listed(tmp_path: Path) -> None:
    write_genomes(tmp_path, [])
    for number, version in enumerate(("0.24.0", "0.23.4")):
        receipt = make_receipt(f"S{number}", random.Random(1))
        write_receipt(tmp_path, receipt | {"versions": {"fastp": version}})

    citations = cite_cohort(read_cohort(tmp_path, ["S0", "S1"]))

    assert "fastp 0.23.4, 0.24.0" in [citation.heading for citation in citations]


def test_what_no_one_knows_is_not_cited(tmp_path: Path) -> None:
    assert "evil" not in cite_receipt(tmp_path, versions={"evil": "1"})


def test_the_text_is_a_paragraph_a_tool() -> None:
    text = to_text(cite({"fastp": ["0.24.0"], "pigz": ["2.8"]}))

    assert text == (
        "fastp 0.24.0\n"
        "    Chen S, Zhou Y, Chen Y, Gu J (2018). "
        "fastp: an ultra-fast all-in-one FASTQ preprocessor. Bioinformatics 34(17):i884-i890. https://doi.org/10.1093/bioinformatics/bty560\n"
        "pigz 2.8\n"
        "    https://zlib.net/pigz/\n"
    )


def test_bibtex_has_each_publication_once_with_the_tools_that_it_stands_for() -> None:
    text = to_bibtex(cite({"sra": [], "sra-odp": [], "pigz": ["2.8"], "bactofleet": ["0.1.0"]}))

    assert re.findall(r"^@(\w+)\{(\S+),$", text, flags=re.MULTILINE) == [
        ("article", "leinonen_2011_sra"),
        ("article", "petit_2020_bactopia"),
        ("misc", "pigz"),
    ]
    assert "  author = {Petit, III, RA and Read, TD},\n" in text
    assert "{International Nucleotide Sequence Database Collaboration}}" in text
    assert "  volume = {39(Database issue)},\n  pages = {D19-D21},\n" in text
    assert "  note = {sra; sra-odp}\n" in text


def test_versions_cannot_break_the_bibtex() -> None:
    text = to_bibtex(cite({"pigz": ["2.8}, evil = {\\input{x} 5% a_b"]}))

    assert text.count("{") == text.count("}") == 5
    assert "\\input" not in text
    assert "5\\% a\\_b" in text


def test_the_command_prints_what_to_cite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = write_genomes(tmp_path / "results", ["complete"])
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/schemas").symlink_to(REPOSITORY / "workflow/schemas")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("results: results\n")
    (tmp_path / "config/samples.tsv").write_text(f"sample\tr1\n{samples[0]}\tx.fq.gz\n")
    monkeypatch.chdir(tmp_path)

    assert main(["citations"]) == 0

    assert "prokka 1.14.6\n    Seemann T (2014). Prokka: rapid" in capsys.readouterr().out
