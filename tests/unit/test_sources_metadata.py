"""What the archives say of an accession: asked once at most, believed only in their own form."""

from typing import Any

import pytest
from support.archive_data import EXPERIMENT, add_run
from support.archive_server import Archive
from support.archives import RUNINFO, make_run, to_runinfo

from bactofleet.archives.metadata import Metadata
from bactofleet.core.errors import Excluded, MissingInput, TemporaryFailure
from bactofleet.core.samples import Sample

ENA, SRA = "/ena/portal/api/search", "/entrez/eutils/esearch.fcgi"
FILES = (("_1.fastq.gz", b"first"), ("_2.fastq.gz", b"second"))


def metadata(accession: str = EXPERIMENT, **described: Any) -> Metadata:
    return Metadata(Sample("S1", accession=accession, **described), lambda line: None)


def test_the_sheet_is_enough_and_nobody_is_asked(archive: Archive) -> None:
    file = "ftp.sra.ebi.ac.uk/vol1/fastq/SRR900/SRR9000002/SRR9000002.fastq.gz"

    runs = metadata(
        runs=["SRR9000002", "SRR9000001"],
        layout="single",
        spots=[5, 6],
        bases=[50, 60],
        fastq=[file],
        fastq_md5=["0" * 32],
        fastq_bytes=[7],
    ).find_runs()

    assert [(run.accession, run.spots, run.bases, run.layout) for run in runs] == [
        ("SRR9000001", 6, 60, "single"),
        ("SRR9000002", 5, 50, "single"),
    ]
    assert [[one.path for one in run.files or ()] for run in runs] == [[], [file]]
    assert archive.requests == []


def test_a_run_that_the_sheet_has_twice_is_fetched_once() -> None:
    file = "ftp.sra.ebi.ac.uk/vol1/fastq/SRR900/SRR9000001/SRR9000001.fastq.gz"

    (run,) = metadata(
        runs=["SRR9000001"] * 2,
        spots=[5] * 2,
        bases=[50] * 2,
        fastq=[file] * 2,
        fastq_md5=["0" * 32] * 2,
        fastq_bytes=[7] * 2,
    ).find_runs()

    assert [one.path for one in run.files or ()] == [file]


def test_ena_is_asked_where_the_sheet_has_an_accession_only(archive: Archive) -> None:
    add_run(archive, "SRR9000002", *FILES)
    add_run(archive, "SRR9000001")

    first, second = metadata().find_runs()

    assert (first.accession, first.files) == ("SRR9000001", ())
    assert (second.layout, second.spots, second.bases) == ("paired", 20, 2000)
    assert [(file.bytes, file.path[-10:]) for file in second.files or ()] == [
        (5, "1.fastq.gz"),
        (6, "2.fastq.gz"),
    ]
    assert len(archive.requests) == 1


@pytest.mark.parametrize("is_down", [True, False])
def test_sra_is_asked_where_ena_does_not_answer_or_does_not_know(
    archive: Archive, is_down: bool
) -> None:
    add_run(archive, "SRR9000001", *FILES)
    archive.metadata.ena.clear()
    archive.down = {ENA} if is_down else set()

    (run,) = metadata().find_runs()

    assert (run.accession, run.spots) == ("SRR9000001", 20)
    # Files that ENA may have are not the same as files that it does not have.
    assert run.files == (None if is_down else ())
    assert len(archive.requests) == 3


def test_what_both_archives_do_not_know_is_excluded(archive: Archive) -> None:
    with pytest.raises(Excluded, match="neither ENA nor SRA has a run of it") as caught:
        metadata().find_runs()

    assert caught.value.kind == "fastq-download"
    assert len(archive.requests) == 2


@pytest.mark.parametrize("down", [{ENA}, {SRA}, {ENA, SRA}])
def test_nothing_is_excluded_while_an_archive_does_not_answer(
    archive: Archive, down: set[str]
) -> None:
    archive.down = down

    with pytest.raises(TemporaryFailure, match="answers 503"):
        metadata().find_runs()


@pytest.mark.parametrize("answer", [b"<html>Please log in</html>", b"run_accession\nSRR9000001\n"])
def test_the_page_of_a_proxy_is_no_answer(archive: Archive, answer: bytes) -> None:
    archive.pages = {ENA: answer, SRA: answer}

    with pytest.raises(TemporaryFailure, match="answer does not have the documented form"):
        metadata().find_runs()


@pytest.mark.parametrize(
    "change",
    [
        {"fastq_ftp": "evil.example/SRR9000001_1.fastq.gz;x"},
        {"fastq_ftp": "ftp.sra.ebi.ac.uk/../SRR9000001_1.fastq.gz;ftp.sra.ebi.ac.uk/a"},
        {"fastq_ftp": "ftp.sra.ebi.ac.uk/SRR9000009_1.fastq.gz;ftp.sra.ebi.ac.uk/SRR9000009_2.gz"},
        {"fastq_md5": "0" * 32},
        {"fastq_bytes": "many;few"},
    ],
)
def test_files_in_no_form_of_enas_are_not_believed(
    archive: Archive, change: dict[str, str]
) -> None:
    add_run(archive, "SRR9000001", *FILES).update(change)

    (run,) = metadata().find_runs()

    # Another provider can bring the run.
    assert (run.accession, run.files) == ("SRR9000001", None)


@pytest.mark.parametrize("archives", [{"ena"}, {"ena", "sra"}])
def test_names_in_no_form_of_an_archive_are_not_believed(
    archive: Archive, archives: set[str]
) -> None:
    add_run(archive, "SRR9000001", *FILES)
    for name in archives:
        getattr(archive.metadata, name)[0]["run_accession"] = "../../etc"

    if "sra" in archives:
        with pytest.raises(TemporaryFailure, match="SRA names runs in an undocumented form"):
            metadata().find_runs()
    else:
        assert [run.accession for run in metadata().find_runs()] == ["SRR9000001"]


@pytest.mark.parametrize("answer", [b"", b"<html></html>", b"Run,Experiment\nSRR9000001,SRX"])
def test_an_answer_of_sra_that_is_not_whole_excludes_nobody(
    archive: Archive, answer: bytes
) -> None:
    add_run(archive, "SRR9000001")
    archive.metadata.ena.clear()
    archive.pages = {"/entrez/eutils/efetch.fcgi": answer}

    with pytest.raises(TemporaryFailure, match="SRA's answer does not have the documented form"):
        metadata().find_runs()


def test_experiments_that_sra_names_and_does_not_describe_exclude_nobody(archive: Archive) -> None:
    first, second = (add_run(archive, f"SRR900000{i}", experiment=f"SRX900000{i}") for i in (1, 2))
    archive.metadata.ena.clear()
    archive.pages = {"/entrez/eutils/efetch.fcgi": f"{RUNINFO}\n{to_runinfo(first)}\n".encode()}

    with pytest.raises(TemporaryFailure, match="SRA does not describe all experiments"):
        metadata(second["sample_accession"]).find_runs()


def test_runs_of_another_accession_exclude_nobody(archive: Archive) -> None:
    add_run(archive, "SRR9000001")
    other = make_run(2)
    archive.metadata.ena.clear()
    archive.pages = {"/entrez/eutils/efetch.fcgi": f"{RUNINFO}\n{to_runinfo(other)}\n".encode()}

    with pytest.raises(TemporaryFailure, match=f"SRA describes runs, and none of {EXPERIMENT}"):
        metadata().find_runs()


def test_an_experiment_without_a_run_is_excluded(archive: Archive) -> None:
    add_run(archive, "SRR9000001")
    archive.metadata.ena.clear()
    archive.metadata.sra[0]["run_accession"] = ""

    with pytest.raises(Excluded, match="neither ENA nor SRA has a run of it"):
        metadata().find_runs()


def test_a_run_that_ena_lists_twice_is_taken_once(archive: Archive) -> None:
    for _ in range(2):
        add_run(archive, "SRR9000001", *FILES)

    assert [run.accession for run in metadata().find_runs()] == ["SRR9000001"]


def test_of_the_runs_of_an_experiment_the_one_that_was_named_is_taken(archive: Archive) -> None:
    for number in (1, 2):
        add_run(archive, f"SRR900000{number}")
    archive.down = {ENA}

    assert [run.accession for run in metadata("SRR9000002").find_runs()] == ["SRR9000002"]


@pytest.mark.parametrize(
    ("platform", "column"), [("OXFORD_NANOPORE", "ont"), ("PACBIO_SMRT", "hifi")]
)
def test_long_reads_are_taken_where_there_are_no_short_ones(
    archive: Archive, platform: str, column: str
) -> None:
    add_run(archive, "SRR9000001", platform=platform)
    add_run(archive, "SRR9000002", platform="ILLUMINA")

    assert [run.accession for run in metadata().find_runs()] == ["SRR9000002"]
    (long,) = metadata("SRR9000001").find_runs()
    assert (long.accession, long.long_reads) == ("SRR9000001", column)


SAMPLE = "SAMN30000000"


def test_of_a_sample_only_the_genomic_shotgun_reads_of_illumina_are_taken(archive: Archive) -> None:
    """Whatever somebody made of a sample hangs on it."""
    add_run(archive, "SRR9000001")
    others: dict[str, dict[str, Any]] = {
        "SRR9000002": {"library_source": "TRANSCRIPTOMIC", "library_strategy": "RNA-Seq"},
        "SRR9000003": {"platform": "ION_TORRENT"},
        "SRR9000004": {"platform": "ABI_SOLID"},
        "SRR9000005": {"library_strategy": "AMPLICON"},
        "SRR9000006": {"platform": "OXFORD_NANOPORE"},
        "SRR9000007": {"library_selection": "PCR"},
    }
    for number, (run, values) in enumerate(others.items()):
        add_run(archive, run, experiment=f"SRX910000{number}", **values)
    known = metadata(SAMPLE)

    assert [run.accession for run in known.find_runs()] == ["SRR9000001"]
    assert [note.split(",")[0] for note in known.notes] == [
        "SRR9000002: it is left out: library source is TRANSCRIPTOMIC",
        "SRR9000003: it is left out: platform is ION_TORRENT",
        "SRR9000004: it is left out: platform is ABI_SOLID",
        "SRR9000005: it is left out: library strategy is AMPLICON",
        "SRR9000006: it is left out: its reads are long (OXFORD_NANOPORE)",
        "SRR9000007: it is left out: library selection is PCR",
    ]


def test_who_names_an_experiment_or_a_run_has_chosen_its_library(archive: Archive) -> None:
    add_run(archive, "SRR9000001", library_selection="PCR", library_strategy="AMPLICON")

    for accession in ("SRR9000001", EXPERIMENT):
        assert [run.accession for run in metadata(accession).find_runs()] == ["SRR9000001"]
    with pytest.raises(Excluded, match="library strategy is AMPLICON"):
        metadata(SAMPLE).find_runs()


@pytest.mark.parametrize("is_down", [True, False])
def test_a_sample_with_several_experiments_is_refused(archive: Archive, is_down: bool) -> None:
    for number in (1, 2):
        add_run(archive, f"SRR900000{number}", experiment=f"SRX900000{number}")
    archive.down = {ENA} if is_down else set()

    with pytest.raises(MissingInput, match=r"has 2 experiments \(SRX9000001, SRX9000002\); give"):
        metadata(SAMPLE).find_runs()


@pytest.mark.parametrize("platform", ["ION_TORRENT", "ABI_SOLID", "LS454"])
def test_reads_of_other_instruments_are_excluded(archive: Archive, platform: str) -> None:
    add_run(archive, "SRR9000001", platform=platform)

    with pytest.raises(Excluded, match=f"platform is {platform}, must be ILLUMINA"):
        metadata().find_runs()


@pytest.mark.parametrize("is_down", [True, False])
def test_platform_and_model_are_known(archive: Archive, is_down: bool) -> None:
    add_run(archive, "SRR9000001", instrument_model="Illumina NovaSeq 6000")
    archive.down = {ENA} if is_down else set()

    (run,) = metadata().find_runs()

    assert (run.platform, run.model) == ("ILLUMINA", "Illumina NovaSeq 6000")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"consent": "phs000001.c1"}, r"access to its reads is controlled \(phs000001\.c1\)"),
        ({"read_count": "0"}, "SRA has no reads of it"),
    ],
)
def test_sra_explains_why_reads_cannot_be_had(
    archive: Archive, change: dict[str, str], why: str
) -> None:
    add_run(archive, "SRR9000001")
    archive.metadata.sra[0].update(change)

    with pytest.raises(Excluded, match=why):
        metadata().explain()


def test_an_accession_that_was_withdrawn_after_the_search_is_excluded(archive: Archive) -> None:
    with pytest.raises(Excluded, match="withdrawn"):
        metadata(runs=["SRR9000001"], spots=[5], bases=[50]).explain()


@pytest.mark.parametrize("down", [set(), {SRA}])
def test_reads_that_are_public_or_may_be_are_not_excluded(archive: Archive, down: set[str]) -> None:
    add_run(archive, "SRR9000001", *FILES)
    archive.down = down

    metadata().explain()

    assert len(archive.asked(SRA)) == 1


def test_each_archive_is_asked_once_at_most(archive: Archive) -> None:
    add_run(archive, "SRR9000001")
    known = metadata()

    known.find_runs()
    known.explain()
    known.explain()

    assert len(archive.asked(ENA)) == len(archive.asked(SRA)) == 1
