"""Accessions and URLs of a sheet become genomes, whichever source fails on the way."""

from __future__ import annotations

import gzip
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.archive_data import add_run, path_at_ena
from support.archive_server import Archive, Fault
from support.plasmid import FILES, ORPHANS, SPOTS, plain_reads
from workflow.conftest import Project, Result, make_project

BUCKET = "sra-pub-run-odp"
RUNS = {
    "from_ena": "SRR9000001",
    "from_bucket": "SRR9000002",
    "from_sra": "SRR9000003",
    "controlled": "SRR9000004",
}
PROVIDERS = {"from_ena": "ena", "from_bucket": "sra-odp", "from_sra": "sra"}
Finished = tuple[Project, Result]


@pytest.fixture(scope="module")
def finished(
    archive: Archive, s3: Any, packed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Finished:
    """The project after a run in which ENA has a run or not, and the bucket has it or not.

    All have the same pairs, and the same reads without mates.
    """
    pairs = [(end, to_gzip(lines(data)[4 * ORPHANS :])) for end, data in FILES]
    orphans = (".fastq.gz", to_gzip(lines(FILES[0][1])[: 4 * ORPHANS]))
    files = {"from_ena": [*pairs, orphans], "from_bucket": FILES}
    for name, run in RUNS.items():
        add_run(archive, run, *files.get(name, []), spots=SPOTS, experiment=f"SRX{run[3:]}")
        if name == "controlled":
            archive.metadata.sra[-1]["consent"] = "phs000001.c1"
    give_faults(archive)
    archive.files[f"/sos/{RUNS['from_sra']}"] = packed
    archive.files["/reads/R1.fastq.gz"] = FILES[0][1]
    for bucket in (BUCKET, "own"):
        s3.create_bucket(Bucket=bucket)
    key = f"sra/{RUNS['from_bucket']}/{RUNS['from_bucket']}"
    s3.put_object(Bucket=BUCKET, Key=key, Body=packed.read_bytes(), ACL="public-read")
    s3.put_object(Bucket="own", Key="R2.fastq.gz", Body=FILES[1][1])
    project = make_project(tmp_path_factory.mktemp("project") / "p", polish=False, keep=["reads"])
    rows: list[dict[str, object]] = [
        {"sample": name, "accession": f"SRX{run[3:]}"} for name, run in RUNS.items()
    ]
    rows += [
        {"sample": "withdrawn", "accession": "SRX9999999"},
        {
            "sample": "by_url",
            "r1": f"{archive.url}/reads/R1.fastq.gz",
            "r2": "s3://own/R2.fastq.gz",
            # Far more than the plasmid has: the genome ends excluded after the download.
            "genome_size": 900_000,
        },
        {"sample": "wrong_url", "r1": f"{archive.url}/reads/typo.fastq.gz"},
    ]
    project.write_samples(rows)
    return project, project.run()


def lines(data: bytes) -> list[bytes]:
    """Lines of a gzip file."""
    return gzip.decompress(data).splitlines(keepends=True)


def to_gzip(content: list[bytes]) -> bytes:
    """The gzip file of these lines."""
    return gzip.compress(b"".join(content))


def give_faults(archive: Archive) -> None:
    """Let ENA fail a while with the run that is to come from it, and for good with the next."""
    first, second = (path_at_ena(RUNS["from_ena"], f"_{mate}.fastq.gz") for mate in (1, 2))
    archive.faults[first] = [Fault.RESET, Fault.WRONG, Fault.TOO_MANY]
    archive.faults[second] = [Fault.UNAVAILABLE, Fault.SLOW]
    archive.down = {path_at_ena(RUNS["from_bucket"], "")}


def test_only_a_url_that_leads_to_nothing_fails_and_the_run_says_so(finished: Finished) -> None:
    _, result = finished

    assert result.status == 1
    assert "FAILED wrong_url at download: localhost answers 404" in result.output
    assert "1 genome failed; the others are not affected" in result.output


@pytest.mark.parametrize("name", PROVIDERS)
def test_each_provider_gives_the_whole_genome(finished: Finished, name: str) -> None:
    project, result = finished

    receipt = project.receipt(name)

    assert receipt["status"] == "complete", result.output[-3000:]
    assert receipt["metrics"]["qc_original_read_total"] == 2 * (SPOTS - ORPHANS)
    assert 0.92 * 27041 < receipt["metrics"]["assembler_total_contig_length"] <= 27041


def test_files_named_by_urls_arrive_whole_and_are_described(finished: Finished) -> None:
    project, _ = finished

    receipt = project.receipt("by_url")

    first, second = receipt["input"]["files"]
    assert (first["bytes"], second["bytes"]) == tuple(len(data) for _, data in FILES)
    given = [sha256(data).hexdigest() for _, data in FILES]
    assert [first["sha256"], second["sha256"]] == given
    assert second["source"] == "s3://own/R2.fastq.gz"
    assert receipt["metrics"]["qc_original_read_total"] == 2 * SPOTS
    assert receipt["reason"]["type"] == "low-sequence-coverage"


@pytest.mark.parametrize(("name", "provider"), PROVIDERS.items())
def test_the_receipt_says_which_provider_delivered_what(
    finished: Finished, name: str, provider: str
) -> None:
    project, _ = finished

    origin = project.receipt(name)["input"]

    (run,) = origin["runs"]
    assert (run["run"], run["provider"], run["layout"]) == (RUNS[name], provider, "paired")
    assert all(file["bytes"] > 0 and len(file["sha256"]) == 64 for file in run["files"])
    assert origin["spots"] == {"claimed": SPOTS, "arrived": SPOTS}
    assert origin["qualities"] == "full"


@pytest.mark.parametrize("name", PROVIDERS)
def test_reads_that_lost_their_mates_are_apart_from_the_pairs(
    finished: Finished, name: str
) -> None:
    project, _ = finished

    origin = project.receipt(name)["input"]
    kept = project.unpack(name) / f"main/gather/{name}_orphans.fastq.gz"

    assert origin["runs"][0]["orphans"] == ORPHANS
    assert origin["note"] == (
        f"{ORPHANS} reads without a mate are apart from the pairs, in {kept.name}"
    )
    # SRA has no other bases than these.
    bases = [re.sub(b"[^ACGT]", b"N", line.strip()) for line in lines(kept.read_bytes())[1::4]]
    first = plain_reads(1).encode().splitlines()[1 : 4 * ORPHANS : 4]
    assert sorted(bases) == sorted(first)


@pytest.mark.parametrize(
    ("name", "tools"),
    [
        ("from_ena", set()),
        ("from_bucket", {"fasterq-dump"}),
        ("from_sra", {"fasterq-dump", "prefetch"}),
    ],
)
def test_the_receipt_names_the_tools_that_were_used(
    finished: Finished, name: str, tools: set[str]
) -> None:
    project, _ = finished

    versions = project.receipt(name)["versions"]

    assert versions.keys() & {"fasterq-dump", "prefetch"} == tools
    assert all(versions[tool][0].isdigit() for tool in tools)


def test_nobody_is_asked_where_a_run_in_the_bucket_is(finished: Finished, archive: Archive) -> None:
    project, _ = finished

    log = (project.folder / "results/logs/from_bucket/download.log").read_text()

    assert f"ena does not deliver {RUNS['from_bucket']}: localhost answers 503" in log
    assert "prefetch" not in log


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("controlled", "access to its reads is controlled (phs000001.c1)"),
        ("withdrawn", "neither ENA nor SRA has a run of it: withdrawn, or never public"),
    ],
)
def test_reads_that_nobody_may_have_exclude_the_genome(
    finished: Finished, name: str, why: str
) -> None:
    project, _ = finished

    reason = project.receipt(name)["reason"]
    error = project.unpack(name) / f"main/gather/{name}-fastq-download-error.txt"

    assert reason["type"] == "fastq-download"
    assert why in reason["message"]
    assert why in error.read_text()


def test_each_genome_asked_each_question_once_at_most(finished: Finished, archive: Archive) -> None:
    assert finished
    questions = [(q.path, q.form) for q in archive.asked("/ena/") + archive.asked("/entrez/")]

    assert len(set(questions)) == len(questions) > 0


def test_nothing_of_the_download_is_left_in_scratch(finished: Finished) -> None:
    project, _ = finished

    left = [path for path in (project.folder / "scratch").rglob("*") if path.is_file()]
    assert [path for path in left if "wrong_url" not in str(path)] == []
