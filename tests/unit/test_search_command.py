"""`bactofleet search`, with its real client, against services on this machine."""

from pathlib import Path

import pytest
from support.archives import AUREUS, Archives, Fault, Request, make_run
from support.searches import SHEET, describes, left_out, make_runs, samples, search

from bactofleet.archives.ena_files import choose_files
from bactofleet.archives.metadata import Metadata

# --- what is found --------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["Staphylococcus aureus", "1280", "PRJNA239251", "SRP042000"])
def test_every_experiment_of_a_taxon_or_study_is_a_row(archives: Archives, query: str) -> None:
    archives.ena = make_runs(1, 2, 3)

    assert search(query) == 0

    assert list(samples()) == ["SRX2000001", "SRX2000002", "SRX2000003"]


def test_all_of_an_answer_is_asked_for_not_as_much_as_ena_gives_unasked(
    archives: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("support.archives.ENA_DEFAULT_LIMIT", 2)
    archives.ena = make_runs(*range(5))

    search("1280")

    assert len(samples()) == 5


def test_a_row_spares_its_worker_every_question(archives: Archives) -> None:
    archives.ena = [make_run(1), make_run(2, 1)]
    search("1280")
    archives.requests.clear()
    sample = samples()["SRX2000001"]

    runs = Metadata(sample, print).find_runs()

    assert not archives.requests
    assert [(run.accession, run.spots, run.layout) for run in runs] == [
        ("SRR1000001", 500_000, "paired"),
        ("SRR1000002", 500_000, "paired"),
    ]
    assert all(run.files and len(choose_files(run.files)[0]) == 2 for run in runs)
    assert sample.genome_size == 2_800_000


@pytest.mark.parametrize("query", ["SRR1000001", "SRX2000001", "SAMN30000001", "SRS3000001"])
def test_a_run_or_sample_stands_for_its_whole_experiment(archives: Archives, query: str) -> None:
    archives.ena = [make_run(1), make_run(2, 1), make_run(3)]

    search(query)

    assert [sample.runs for sample in samples().values()] == [["SRR1000001", "SRR1000002"]]


def test_a_taxon_includes_its_strains_which_have_the_size_of_the_species(
    archives: Archives,
) -> None:
    archives.ena = make_runs(1, tax_id="93061", scientific_name="Staphylococcus aureus NCTC 8325")
    archives.lineages = {"93061": {"1280"}}

    search("Staphylococcus aureus")

    sample = samples()["SRX2000001"]
    assert (sample.genome_size, sample.species) == (2_800_000, "Staphylococcus aureus")


def test_of_taxa_with_one_name_the_prokaryote_is_meant(archives: Archives) -> None:
    insect = AUREUS | {"taxId": "55087", "lineage": "Eukaryota; Metazoa; Arthropoda; "}
    archives.taxa = {"Bacillus": [insect, AUREUS]}
    archives.ena = make_runs(1)

    search("Bacillus")

    assert archives.asked("/search")[0].form["query"] == "tax_tree(1280)"


def test_a_file_of_accessions_is_searched_and_what_is_nowhere_is_said(archives: Archives) -> None:
    archives.ena, archives.sra = make_runs(1), make_runs(1, 2)
    Path("list").write_text("SRX2000001\nSAMN30000002\nERX9999999\n")

    assert search("list") == 0

    assert list(samples()) == ["SRX2000001", "SRX2000002"]
    assert left_out() == {"ERX9999999": "neither ENA nor SRA has reads of it"}


def test_the_size_of_the_genome_is_the_users_for_all_rows(archives: Archives) -> None:
    archives.ena = make_runs(1)

    search("1280", "--genome-size", "3000000")

    assert samples()["SRX2000001"].genome_size == 3_000_000
    assert not archives.asked("species_genome_size")


def test_a_search_goes_on_without_sizes_of_genomes(
    archives: Archives, capsys: pytest.CaptureFixture[str]
) -> None:
    archives.ena = make_runs(1)
    archives.fault = lambda request: Fault(404) if "genome_size" in request.path else None

    assert search("1280") == 0

    assert samples()["SRX2000001"].genome_size == 0
    assert "no genome sizes" in capsys.readouterr().err


def test_more_bases_than_the_user_allows_are_left_out(archives: Archives) -> None:
    archives.ena = [*make_runs(1), *make_runs(2, base_count="900000000000")]

    search("1280", "--max-bases", "2000000000")

    assert list(samples()) == ["SRX2000001"]
    assert "must be at most 2,000,000,000" in left_out()["SRX2000002"]


def test_nothing_found_is_an_error(archives: Archives, capsys: pytest.CaptureFixture[str]) -> None:
    assert search("Staphylococcus aureos") == 1
    said = capsys.readouterr().err
    assert "neither ENA nor SRA has reads of 'Staphylococcus aureos'; is it spelt as in" in said
    assert not SHEET.exists()


# --- what is left out -----------------------------------------------------------------------------


def test_a_table_counts_what_was_left_out_and_a_list_says_why(
    archives: Archives, capsys: pytest.CaptureFixture[str]
) -> None:
    archives.ena = [
        *make_runs(1, 2),
        *make_runs(3, 4, library_layout="SINGLE"),
        *make_runs(5, library_strategy="AMPLICON"),
    ]

    assert search("1280") == 0

    rows = [line.strip("│ ").split("│") for line in capsys.readouterr().out.splitlines()]
    counts = {row[0].strip(): row[1].strip() for row in rows if len(row) == 2}
    assert counts == {
        "examined": "5",
        "left out: layout": "2",
        "left out: library strategy": "1",
        "added": "2",
    }
    assert left_out() == {
        "SRX2000003": "layout is SINGLE, must be PAIRED",
        "SRX2000004": "layout is SINGLE, must be PAIRED",
        "SRX2000005": "library strategy is AMPLICON, must be WGS or WGA or OTHER",
    }


@pytest.mark.parametrize(
    "values", [{"run_accession": "$(id)"}, {"experiment_accession": "../../SRX1"}]
)
def test_what_an_archive_says_is_checked_before_it_is_written(
    archives: Archives, values: dict[str, str]
) -> None:
    archives.ena = [make_run(1), make_run(2) | values]

    search("1280")

    assert list(samples()) == ["SRX2000001"]
    assert "makes no row" in "".join(left_out().values())


@pytest.mark.parametrize(
    "path",
    ["evil.example/x", "ftp.sra.ebi.ac.uk/../../etc/passwd", "ftp.ebi.ac.uk/ena/SRR1000001"],
)
def test_files_at_addresses_that_are_not_known_are_left_out_and_the_experiment_is_not(
    archives: Archives, path: str
) -> None:
    archives.ena = make_runs(1, fastq_ftp=f"{path}_1.fastq.gz;{path}_2.fastq.gz")

    assert search("1280") == 0

    sample = samples()["SRX2000001"]
    assert (sample.runs, sample.fastq, sample.fastq_md5) == (["SRR1000001"], [], [])


# --- the sheet ------------------------------------------------------------------------------------


def test_rows_that_the_sheet_has_are_not_repeated_whatever_they_are_called(
    archives: Archives,
) -> None:
    mine = (
        "# mine\nsample\taccession\nSRX2000001\tSRX9999999\nby_run\tSRR1000002\n"
        "by_experiment\tSRX2000003\nby_sample\tSAMN30000004\n"
    )
    SHEET.parent.mkdir()
    SHEET.write_text(mine)
    archives.ena = make_runs(1, 2, 3, 4, 5)

    search("1280")

    assert SHEET.read_text().splitlines()[2:6] == mine.splitlines()[2:]
    assert list(samples())[4:] == ["SRX2000005"]


def test_the_same_search_again_changes_nothing(archives: Archives) -> None:
    archives.ena = make_runs(1, 2)
    search("1280")
    before = SHEET.read_bytes()

    assert search("1280") == 0

    assert SHEET.read_bytes() == before


def test_rows_that_a_user_adds_during_a_search_stay(archives: Archives) -> None:
    archives.ena = make_runs(1)
    SHEET.parent.mkdir()
    SHEET.write_text("sample\taccession\n")

    def edit(request: Request) -> None:
        if describes(request):
            SHEET.write_text("sample\taccession\nlate\tSRX9999999\n")

    archives.fault = edit

    search("1280")

    assert list(samples()) == ["late", "SRX2000001"]


def test_a_limit_gives_a_random_subset_that_a_seed_repeats(archives: Archives) -> None:
    archives.ena = make_runs(*range(50))

    def subset(seed: str) -> list[str]:
        SHEET.unlink(missing_ok=True)
        assert search("1280", "--limit", "5", "--seed", seed) == 0
        return list(samples())

    first = subset("1")
    assert len(first) == 5
    assert subset("1") == first
    assert set(subset("2")) != set(first) != {f"SRX200000{i}" for i in range(5)}


@pytest.mark.usefixtures("small_batches")
def test_no_more_is_asked_for_than_a_limit_needs(archives: Archives) -> None:
    archives.ena = make_runs(*range(6))

    search("1280", "--limit", "2")

    assert len(samples()) == len([r for r in archives.requests if describes(r)]) * 2 == 2


def test_a_limit_counts_what_passes_and_what_the_sheet_has(archives: Archives) -> None:
    archives.ena = [*make_runs(*range(5)), *make_runs(*range(5, 10), library_layout="SINGLE")]

    for _ in range(2):
        search("1280", "--limit", "3")

    assert len(samples()) == 3


# --- the command line -----------------------------------------------------------------------------


def test_a_file_that_is_no_sheet_is_refused_before_anything_is_asked(
    archives: Archives, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("reads.fasta").write_text(">x\nACGT\n")

    assert search("1280", "--output", "reads.fasta") == 1

    assert "name another file as --output" in capsys.readouterr().err
    assert not archives.requests


@pytest.mark.parametrize(
    "options",
    [["--limit", "0"], ["--limit", "-1"], ["--min-bases", "many"], ["--genome-size", "5"]],
)
def test_a_wrong_number_is_refused(
    archives: Archives, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        search("1280", *options)

    assert " must be " in capsys.readouterr().err


def test_it_needs_no_workflow_in_the_folder(archives: Archives) -> None:
    Path("workflow").unlink()
    archives.ena = make_runs(1)

    assert search("1280") == 0

    assert "SRX2000001" in Path("config/samples.tsv").read_text()
