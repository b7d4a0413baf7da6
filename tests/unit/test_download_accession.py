"""Gathering an accession: its runs from whoever delivers them, and what the receipt says of it."""

import gzip
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.archive_data import EXPERIMENT, add_run, path_at_ena, to_sheet
from support.archive_server import Archive, Fault
from support.fastq import Read, make_reads, to_fastq
from support.stages import DOWNLOAD_PARAMETERS, Genome
from support.tools import InstallTool

from bactofleet.archives import disk, providers, retry
from bactofleet.core import versions
from bactofleet.core.samples import Sample
from bactofleet.genome import download

RUN, SECOND = "SRR9000001", "SRR9000002"
Gather = Callable[..., Genome]


@pytest.fixture
def gather(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gather:
    """Return a function that gathers an accession; it gives back the genome, with its status."""
    image = tmp_path / "versions.json"
    image.write_text('{"fasterq-dump": "3.2.1", "prefetch": "3.2.1"}')
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", image)

    def run(
        *, order: list[str] | None = None, keep: tuple[str, ...] = (), expect: int = 0, **row: Any
    ) -> Genome:
        genome = Genome(tmp_path)
        described = Sample("S1", **dict[str, Any](accession=EXPERIMENT, genome_size=5000) | row)
        parameters = DOWNLOAD_PARAMETERS | genome.plan(described) | {"keep": list(keep)}
        if order is not None:
            parameters["providers"] = order
        assert genome.run("download", download.run, parameters=parameters) == expect
        return genome

    return run


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a client with rights on SRA's bucket, which is empty."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="sra-pub-run-odp", ACL="public-read")
        yield client


def reads(seed: int, mate: int = 0, count: int = 20) -> bytes:
    return to_fastq(make_reads(count, seed=seed + 100 * mate, suffix=f"/{mate}" if mate else ""))


def pair(seed: int = 1) -> list[tuple[str, bytes]]:
    return [(f"_{mate}.fastq.gz", gzip.compress(reads(seed, mate))) for mate in (1, 2)]


def gathered(genome: Genome, name: str) -> bytes:
    return gzip.decompress((genome.folder("download") / f"reads/{name}.fastq.gz").read_bytes())


def origin_of(genome: Genome) -> dict[str, Any]:
    return genome.record("download").input


def reason_of(genome: Genome) -> str:
    excluded = genome.record("download").excluded
    assert excluded
    assert excluded["type"] == "fastq-download"
    assert genome.published("download", "main/gather/S1-fastq-download-error.txt").is_file()
    return excluded["message"]


# --- what arrives ---------------------------------------------------------------------------------


def test_a_pair_from_ena_is_gathered_and_its_origin_recorded(
    archive: Archive, gather: Gather
) -> None:
    files = pair()
    row = add_run(archive, RUN, *files)

    genome = gather()

    assert gathered(genome, "S1_R1") == reads(1, 1)
    assert gathered(genome, "S1_R2") == reads(1, 2)
    origin = origin_of(genome)
    (run,) = origin["runs"]
    assert (run["run"], run["provider"], run["layout"]) == (RUN, "ena", "paired")
    assert (run["platform"], run["model"]) == ("ILLUMINA", "Illumina MiSeq")
    assert [file["md5"] for file in run["files"]] == row["fastq_md5"].split(";")
    assert [file["bytes"] for file in run["files"]] == [len(data) for _, data in files]
    assert [file["sha256"] for file in run["files"]] == [
        sha256(data).hexdigest() for _, data in files
    ]
    assert origin["spots"] == {"claimed": 20, "arrived": 20}
    assert (origin["qualities"], origin.get("note")) == ("full", None)


@pytest.mark.parametrize(
    ("platform", "column", "name"),
    [("OXFORD_NANOPORE", "ont", "S1_ONT"), ("PACBIO_SMRT", "hifi", "S1_HIFI")],
)
def test_an_accession_of_long_reads_is_gathered_as_such(
    archive: Archive, gather: Gather, platform: str, column: str, name: str
) -> None:
    data = to_fastq(
        read._replace(qualities="I" * len(read.bases))
        for read in make_reads(20, lengths=(1000, 2000))
    )
    add_run(archive, RUN, (".fastq.gz", gzip.compress(data)), platform=platform)

    genome = gather()

    assert gathered(genome, name) == data
    origin = origin_of(genome)
    assert (origin["runtype"], origin["layout"]) == (column, "long")
    assert origin["runs"][0]["platform"] == platform


def test_pacbios_subreads_are_excluded(archive: Archive, gather: Gather) -> None:
    data = to_fastq(
        read._replace(qualities="*" * len(read.bases))
        for read in make_reads(20, lengths=(1000, 2000))
    )
    add_run(archive, RUN, (".fastq.gz", gzip.compress(data)), platform="PACBIO_SMRT")

    excluded = gather().record("download").excluded

    assert excluded
    assert excluded["type"] == "read-quality"
    assert "quality of the PacBio reads is 9.0" in excluded["message"]


def test_the_table_of_the_sample_says_what_bactopias_says_of_an_accession(
    archive: Archive, gather: Gather
) -> None:
    add_run(archive, RUN, *pair())

    table = gather().published("download", "main/gather/S1-meta.tsv").read_text()

    header, row = (line.split("\t") for line in table.splitlines())
    found = dict(zip(header, row, strict=True))
    assert (found["runtype"], found["is_paired"]) == ("sra_accession", "true")
    assert found["is_compressed"] == "true"


def test_a_row_that_a_search_wrote_takes_no_question_to_an_archive(
    archive: Archive, gather: Gather
) -> None:
    row = add_run(archive, RUN, *pair())
    split = {key: value.split(";") for key, value in to_sheet(row).items()}
    numbers = {key: list(map(int, split[key])) for key in ("spots", "bases", "fastq_bytes")}

    gather(**split | numbers | {"accession": EXPERIMENT, "layout": "paired"})

    assert archive.asked("/ena") == archive.asked("/entrez") == []
    assert len(archive.requests) == 2


def test_runs_are_joined_in_the_order_of_their_names(archive: Archive, gather: Gather) -> None:
    add_run(archive, SECOND, *pair(seed=2))
    add_run(archive, RUN, *pair(seed=1))

    genome = gather()

    assert gathered(genome, "S1_R1") == reads(1, 1) + reads(2, 1)
    assert [run["run"] for run in origin_of(genome)["runs"]] == [RUN, SECOND]
    assert origin_of(genome)["spots"] == {"claimed": 40, "arrived": 40}


@pytest.mark.parametrize("end", ["_1.fastq.gz", ".fastq.gz"])
def test_a_paired_run_with_one_file_is_single_end_and_it_is_said(
    archive: Archive, gather: Gather, end: str
) -> None:
    add_run(archive, RUN, (end, gzip.compress(reads(1))))

    genome = gather()

    assert gathered(genome, "S1_SE") == reads(1)
    assert origin_of(genome)["layout"] == "single"
    assert "claims paired reads, they are single" in origin_of(genome)["note"]


def orphans(seed: int = 9, count: int = 7) -> tuple[str, bytes]:
    return ".fastq.gz", gzip.compress(reads(seed, count=count))


def test_orphans_at_ena_are_left_out_of_the_pairs_and_counted(
    archive: Archive, gather: Gather
) -> None:
    add_run(archive, RUN, *pair(), orphans(), spots=27)

    genome = gather()

    assert gathered(genome, "S1_R1") == reads(1, 1)
    origin = origin_of(genome)
    assert (origin["layout"], origin["runs"][0]["orphans"]) == ("paired", 7)
    assert origin["spots"] == {"claimed": 27, "arrived": 27}
    assert origin["note"] == "7 reads without a mate are left out, as `keep` does not name reads"
    assert list(genome.folder("download").rglob("*orphans*")) == []


def test_orphans_of_all_runs_are_kept_apart_where_reads_are_kept(
    archive: Archive, gather: Gather
) -> None:
    add_run(archive, RUN, *pair(seed=1), orphans(seed=8))
    add_run(archive, SECOND, *pair(seed=2), orphans(seed=9))

    genome = gather(keep=("reads",))

    kept = genome.published("download", "main/gather/S1_orphans.fastq.gz")
    assert gzip.decompress(kept.read_bytes()) == reads(8, count=7) + reads(9, count=7)
    assert gathered(genome, "S1_R2") == reads(1, 2) + reads(2, 2)
    assert "14 reads without a mate are apart from the pairs" in origin_of(genome)["note"]


def test_a_single_end_run_beside_pairs_is_left_out_and_it_is_said(
    archive: Archive, gather: Gather
) -> None:
    add_run(archive, RUN, *pair())
    add_run(archive, SECOND, (".fastq.gz", gzip.compress(reads(9))), layout="SINGLE", spots=7)

    genome = gather()

    assert gathered(genome, "S1_R1") == reads(1, 1)
    assert f"{SECOND}: it is single-end and was left out" in origin_of(genome)["note"]
    assert origin_of(genome)["spots"] == {"claimed": 20, "arrived": 20}


def test_a_run_of_a_sample_that_is_no_genome_is_left_out_and_it_is_said(
    archive: Archive, gather: Gather
) -> None:
    row = add_run(archive, RUN, *pair())
    add_run(archive, SECOND, *pair(2), experiment="SRX9100000", library_strategy="RNA-Seq")

    genome = gather(accession=row["sample_accession"])

    assert gathered(genome, "S1_R1") == reads(1, 1)
    assert [run["run"] for run in origin_of(genome)["runs"]] == [RUN]
    assert f"{SECOND}: it is left out: library strategy is RNA-Seq" in origin_of(genome)["note"]


def test_a_sample_with_several_experiments_fails_and_says_what_to_do(
    archive: Archive, gather: Gather
) -> None:
    row = add_run(archive, RUN, *pair())
    add_run(archive, SECOND, *pair(2), experiment="SRX9100000")

    genome = gather(accession=row["sample_accession"], expect=1)

    assert genome.failure()["kind"] == "input"
    assert "has 2 experiments (SRX9000000, SRX9100000)" in genome.failure()["message"]
    assert archive.asked("/vol1") == []


def test_fewer_spots_than_claimed_are_reported(archive: Archive, gather: Gather) -> None:
    add_run(archive, RUN, *pair(), spots=25)

    assert "claims 25 spots, 20 arrived" in origin_of(gather())["note"]


def test_the_qualities_of_sra_lite_are_recognized(archive: Archive, gather: Gather) -> None:
    lite = [Read(f"r{i}", "ACGT" * 10, ("?" if i % 3 else "$") * 40) for i in range(20)]
    add_run(archive, RUN, (".fastq.gz", gzip.compress(to_fastq(lite))), layout="SINGLE")

    assert origin_of(gather())["qualities"] == "SRA Lite"


# --- providers, one after another -----------------------------------------------------------------


def test_on_aws_batch_the_bucket_comes_first_and_elsewhere_ena(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elsewhere = providers.default_order()
    monkeypatch.setenv("AWS_BATCH_JOB_ID", "00000000-0000-0000-0000-000000000000")

    assert elsewhere == ("ena", "sra-odp", "sra")
    assert providers.default_order() == ("sra-odp", "ena", "sra")


DUMP = """
while [ $# -gt 1 ]; do [ "$1" = --outdir ] && folder=$2; shift; done
run=$(basename "$1" .sra)
grep -q archive "$1" || exit 3
cp {folder}/reads/* "$folder"
"""


@pytest.fixture
def dumped(tmp_path: Path, tools: InstallTool) -> Path:
    """Return a folder whose files are what fasterq-dump makes of a good archive file."""
    (tmp_path / "reads").mkdir()
    tools("pigz", 'exec gzip -1 -n -c "${@: -1}"')
    tools("fasterq-dump", DUMP.format(folder=tmp_path))
    return tmp_path / "reads"


def test_a_run_in_the_bucket_is_copied_by_key_and_dumped(
    archive: Archive, gather: Gather, bucket: Any, dumped: Path
) -> None:
    add_run(archive, RUN)
    bucket.put_object(
        Bucket="sra-pub-run-odp", Key=f"sra/{RUN}/{RUN}", Body=b"archive", ACL="public-read"
    )
    for mate in (1, 2):
        (dumped / f"{RUN}_{mate}.fastq").write_bytes(reads(1, mate, count=19))
    (dumped / f"{RUN}.fastq").write_bytes(reads(9, count=1))

    genome = gather(order=["sra-odp"], keep=("reads",))

    origin = origin_of(genome)
    assert gathered(genome, "S1_R1") == reads(1, 1, count=19)
    (file,) = origin["runs"][0]["files"]
    assert file["source"] == f"s3://sra-pub-run-odp/sra/{RUN}/{RUN}"
    assert file["sha256"] == sha256(b"archive").hexdigest()
    assert origin["spots"] == {"claimed": 20, "arrived": 20}
    kept = genome.published("download", "main/gather/S1_orphans.fastq.gz")
    assert gzip.decompress(kept.read_bytes()) == reads(9, count=1)
    assert (origin["runs"][0]["layout"], origin["runs"][0]["orphans"]) == ("paired", 1)
    assert genome.record("download").versions["fasterq-dump"] == "3.2.1"
    assert archive.asked("/sdl") == []


def test_prefetch_is_the_last_resort(
    archive: Archive, gather: Gather, bucket: Any, dumped: Path, tools: InstallTool
) -> None:
    add_run(archive, RUN)
    tools("prefetch", 'echo "archive of $3" > "$2"')
    (dumped / f"{RUN}.fastq").write_bytes(reads(1))

    genome = gather(order=["ena", "sra-odp", "sra"])

    assert origin_of(genome)["runs"][0]["provider"] == "sra"
    assert gathered(genome, "S1_SE") == reads(1)
    log = genome.log("download").read_text()
    assert f"ena does not deliver {RUN}: ENA has no FASTQ files of {RUN}" in log
    assert f"sra-odp does not deliver {RUN}: S3 answers 404" in log


def test_a_run_that_would_unpack_beyond_the_limit_is_stopped_and_excluded(
    archive: Archive, gather: Gather, dumped: Path, tools: InstallTool
) -> None:
    """A file may have 2,500 bytes for each base of the largest genome, here 10,000."""
    add_run(archive, RUN)
    tools("prefetch", 'echo "archive of $3" > "$2"')
    (dumped / f"{RUN}.fastq").write_bytes(b"A" * 25_000_001)

    genome = gather(order=["sra"])

    reason = genome.record("download").excluded
    assert reason and reason["type"] == "file-size"
    assert f"{RUN} from sra has more than 25,000,000 bytes" in reason["message"]


def test_the_resolver_that_prefetch_asks_is_asked_twice_at_most(
    archive: Archive, gather: Gather, tmp_path: Path, tools: InstallTool
) -> None:
    add_run(archive, RUN)
    tools("prefetch", f"echo >> {tmp_path}/asked; exit 3")

    gather(order=["sra"], expect=75)

    assert len((tmp_path / "asked").read_text()) == 2


def test_a_damaged_archive_file_leads_to_the_next_provider(
    archive: Archive, gather: Gather, bucket: Any, dumped: Path
) -> None:
    add_run(archive, RUN, *pair())
    bucket.put_object(
        Bucket="sra-pub-run-odp", Key=f"sra/{RUN}/{RUN}", Body=b"damaged", ACL="public-read"
    )

    genome = gather(order=["sra-odp", "ena"])

    assert origin_of(genome)["runs"][0]["provider"] == "ena"
    assert "fasterq-dump ended with exit status 3" in genome.log("download").read_text()


def test_a_provider_that_stays_broken_leads_to_another_attempt_of_the_stage(
    archive: Archive, gather: Gather
) -> None:
    add_run(archive, RUN, *pair())
    archive.faults[path_at_ena(RUN, "_2.fastq.gz")] = [Fault.UNAVAILABLE] * retry.ATTEMPTS

    genome = gather(expect=75)

    assert f"no provider delivers {RUN} (ena: localhost answers 503" in genome.failure()["message"]


def test_a_run_that_all_providers_lack_for_certain_is_excluded(
    archive: Archive, gather: Gather, bucket: Any
) -> None:
    add_run(archive, RUN)

    genome = gather(order=["ena", "sra-odp"])

    assert f"no provider delivers {RUN}" in reason_of(genome)


def test_a_bucket_that_refuses_everybody_excludes_nobody(
    archive: Archive, gather: Gather, bucket: Any
) -> None:
    add_run(archive, RUN)
    bucket.put_object(Bucket="sra-pub-run-odp", Key=f"sra/{RUN}/{RUN}", Body=b"x", ACL="private")

    genome = gather(order=["ena", "sra-odp"], expect=75)

    assert "S3 answers 403" in genome.failure()["message"]


@pytest.mark.parametrize(
    ("change", "why"), [({"consent": "phs1"}, "controlled"), ({"read_count": "0"}, "no reads")]
)
def test_reads_that_are_not_public_or_not_there_are_excluded(
    archive: Archive,
    gather: Gather,
    tools: InstallTool,
    change: dict[str, str],
    why: str,
) -> None:
    add_run(archive, RUN)
    archive.metadata.sra[0].update(change)
    tools("prefetch", "exit 3")

    genome = gather(order=["sra"])

    assert why in reason_of(genome)


def test_room_for_all_runs_is_asked_for_before_the_first_is_fetched(
    archive: Archive, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in (RUN, SECOND):
        row = add_run(archive, run, *pair())
        row["fastq_bytes"] = "1000000000;2000000000"
    free = type("Usage", (), {"free": 7_900_000_000})
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: free)

    genome = gather(expect=75)

    # 3 GB of each run, and the largest file once more while it is joined.
    assert f"{EXPERIMENT} from ena takes 8.0 GB and 7.8 GB are free" in genome.failure()["message"]
    assert archive.asked("/vol1") == []


def test_a_withdrawn_accession_is_excluded_after_two_questions(
    archive: Archive, gather: Gather
) -> None:
    genome = gather()

    assert "withdrawn" in reason_of(genome)
    assert len(archive.requests) == 2


def test_archives_that_do_not_answer_exclude_nobody(archive: Archive, gather: Gather) -> None:
    archive.down = {"/"}

    genome = gather(expect=75)

    assert "answers 503" in genome.failure()["message"]
    assert len(archive.requests) == 2
