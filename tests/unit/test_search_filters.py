"""Which experiments become rows, what the rows say, and why the others are left out."""

from typing import Any

import pytest
from support.archives import make_run

from bactofleet.archives.runs import read_runs
from bactofleet.archives.search.experiments import Experiment, group_runs, species_of, to_row
from bactofleet.archives.search.filters import Limits, find_rejection

GENOME_SIZE = 2_800_000
DEFAULTS = Limits()


def make_experiment(**values: Any) -> Experiment:
    """Return an experiment of one run: a good one, but for what is given."""
    return group_runs(read_runs([make_run(1, **values)]))[0]


def reason_of(limits: Limits = DEFAULTS, size: int = GENOME_SIZE, **values: Any) -> str:
    """Return why an experiment is left out, or nothing."""
    reason = find_rejection(make_experiment(**values), size, limits)
    return reason.detail if reason else ""


def test_paired_genomic_shotgun_reads_of_illumina_are_taken() -> None:
    assert reason_of() == ""


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        (
            {"instrument_platform": "OXFORD_NANOPORE"},
            "platform is OXFORD_NANOPORE, must be ILLUMINA",
        ),
        ({"library_layout": "SINGLE"}, "layout is SINGLE, must be PAIRED"),
        ({"library_layout": ""}, "layout is unknown, must be PAIRED"),
        (
            {"library_source": "TRANSCRIPTOMIC"},
            "library source is TRANSCRIPTOMIC, must be GENOMIC",
        ),
        (
            {"library_strategy": "AMPLICON"},
            "library strategy is AMPLICON, must be WGS or WGA or OTHER",
        ),
        (
            {"library_selection": "PCR"},
            "library selection is PCR, "
            "must be RANDOM or MNase or size fractionation or unspecified",
        ),
        ({"base_count": "2241819"}, "bases is 2,241,819, must be at least 2,241,820"),
        ({"base_count": ""}, "bases is 0, must be at least 2,241,820"),
        ({"base_count": "27999999"}, "depth is 9, must be at least 10"),
    ],
)
def test_what_speaks_against_an_experiment_is_said(values: dict[str, Any], detail: str) -> None:
    assert reason_of(**values) == detail


def test_limits_are_the_users() -> None:
    assert reason_of(Limits(layout="single"), library_layout="SINGLE") == ""
    assert reason_of(Limits(layout="any"), library_layout="SINGLE") == ""
    nanopore: dict[str, Any] = {
        "instrument_platform": "OXFORD_NANOPORE",
        "library_layout": "SINGLE",
    }
    assert reason_of(Limits(platform="nanopore"), **nanopore) == ""
    assert reason_of(Limits(platform="pacbio"), **nanopore) == (
        "platform is OXFORD_NANOPORE, must be PACBIO_SMRT"
    )
    assert reason_of(Limits(any_library=True), library_strategy="AMPLICON") == ""
    assert reason_of(Limits(min_depth=60)) == "depth is 53, must be at least 60"
    assert reason_of(Limits(max_bases=150_000_000)) == ""
    most = "bases is 150,000,000, must be at most 149,999,999"
    assert reason_of(Limits(max_bases=149_999_999)) == most
    assert reason_of(Limits(min_read_length=151)) == "read length is 150, must be at least 151"


def test_depth_is_no_matter_where_the_size_of_the_genome_is_not_known() -> None:
    assert reason_of(size=0, base_count="27999999") == ""


def test_bases_of_all_runs_of_an_experiment_count() -> None:
    runs = [make_run(number, 1, base_count="2000000") for number in (1, 2)]

    assert find_rejection(group_runs(read_runs(runs))[0], 0, Limits()) is None


@pytest.mark.parametrize(("layout", "length"), [("PAIRED", 150), ("SINGLE", 300)])
def test_a_pair_is_two_reads(layout: str, length: int) -> None:
    assert make_experiment(library_layout=layout).read_length == length


def test_the_read_length_is_unknown_where_there_are_no_reads() -> None:
    assert make_experiment(read_count="").read_length == 0


# --- the row --------------------------------------------------------------------------------------


def test_a_row_has_all_that_a_worker_needs() -> None:
    runs = [make_run(2, 1, read_count="7", base_count="2100"), make_run(1)]

    row = to_row(group_runs(read_runs(runs))[0], GENOME_SIZE)

    path = "ftp.sra.ebi.ac.uk/vol1/fastq/SRR100"
    assert row == {
        "sample": "SRX2000001",
        "accession": "SRX2000001",
        "genome_size": "2800000",
        "species": "Staphylococcus aureus",
        "layout": "paired",
        "runs": "SRR1000001;SRR1000002",
        "spots": "500000;7",
        "bases": "150000000;2100",
        "fastq": ";".join(
            f"{path}/00{run}/SRR100000{run}/SRR100000{run}_{mate}.fastq.gz"
            for run in (1, 2)
            for mate in (1, 2)
        ),
        "fastq_md5": ";".join(f"{number:032x}" for number in (1, 2, 2, 3)),
        "fastq_bytes": "60000000;65000000;60000000;65000000",
    }


def test_a_row_of_long_reads_leaves_it_to_the_archives_what_they_are() -> None:
    row = to_row(make_experiment(instrument_platform="PACBIO_SMRT", library_layout="SINGLE"), 9000)

    assert row.keys() <= {"sample", "accession", "genome_size", "species"}
    assert row["genome_size"] == "9000"


def test_an_md5_in_capital_letters_is_one() -> None:
    row = to_row(group_runs(read_runs([make_run(1, fastq_md5=f"{'A' * 32};{'B' * 32}")]))[0], 0)

    assert row["fastq_md5"] == f"{'a' * 32};{'b' * 32}"


@pytest.mark.parametrize(
    "values",
    [
        {"fastq_ftp": "", "fastq_md5": "", "fastq_bytes": ""},
        {"fastq_md5": "0" * 32},
    ],
    ids=["a run without files", "a run with a file without checksum"],
)
def test_files_are_named_where_ena_has_all_of_an_experiment(values: dict[str, Any]) -> None:
    row = to_row(group_runs(read_runs([make_run(1), make_run(2, 1, **values)]))[0], 0)

    assert row["runs"] == "SRR1000001;SRR1000002"
    assert not {"fastq", "fastq_md5", "fastq_bytes", "genome_size"} & set(row)


@pytest.mark.parametrize(
    ("name", "species"),
    [
        ("Staphylococcus aureus", "Staphylococcus aureus"),
        ("Staphylococcus aureus subsp. aureus USA300_FPR3757", "Staphylococcus aureus"),
        ("Escherichia coli O157:H7", "Escherichia coli"),
        ("[Clostridium] innocuum", "Clostridium innocuum"),
        ("Candidatus Liberibacter asiaticus", "Liberibacter asiaticus"),
        ("Listeria sp. FSL R7-0091", "Listeria"),
        ("Enterobacter cloacae-complex", "Enterobacter"),
        ("Klebsiella", "Klebsiella"),
        ("uncultured bacterium", ""),
        ("", ""),
    ],
)
def test_genus_and_species_are_taken_from_a_name(name: str, species: str) -> None:
    assert species_of(name) == species
