"""The doctor looks at this machine and goes on where one part cannot be looked at."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.archive_server import Archive, Fault

from bactofleet import __version__
from bactofleet.cli.main import main
from bactofleet.core import versions
from bactofleet.core.samples import Sample
from bactofleet.doctor import local, work
from bactofleet.doctor.findings import ERROR, OK, WARNING
from bactofleet.doctor.work import GIB, Work, read_work

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory: a project with one good sample, and nobody logged in."""
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/schemas").symlink_to(REPOSITORY / "workflow/schemas")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("threads: 2\nmemory_mb: 4000\n")
    (tmp_path / "config/samples.tsv").write_text("sample\taccession\nS1\tSRR2838702\n")
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return tmp_path


def get_levels(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Run the doctor; return the last level of each check."""
    main(["doctor", "--json"])
    return {item["check"]: item["level"] for item in json.loads(capsys.readouterr().out)}


def test_who_never_deployed_is_only_warned_of_what_aws_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out

    assert "warning credentials: there are no AWS credentials; log in: `aws sso login`" in said
    assert "warning settings: not set: region, bucket, job-queue, job-role" in said


def test_a_profile_that_is_not_there_does_not_end_the_doctor(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"s3://my-bucket/schemes.tar#sha256={'0' * 64}"
    (project / "config/config.yaml").write_text(f"mlst_schemes: {address}\n")
    monkeypatch.setenv("AWS_PROFILE", "nope")

    levels = get_levels(capsys)

    assert (levels["mlst_schemes"], levels["credentials"]) == (WARNING, WARNING)


def test_who_has_deployed_needs_credentials(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "profiles/aws").mkdir(parents=True)
    (project / "profiles/aws/account.yaml").write_text("region: us-east-1\n")

    assert get_levels(capsys)["credentials"] == ERROR


def test_without_a_region_it_is_said_how_to_choose_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    main(["doctor"])

    assert (
        "no AWS region is chosen; give --region, or `export AWS_REGION" in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [("config/samples.tsv", "sample\n"), ("config/config.yaml", "coverage: [")],
)
def test_a_sheet_or_configuration_that_is_wrong_does_not_hide_the_rest(
    project: Path, capsys: pytest.CaptureFixture[str], path: str, text: str
) -> None:
    (project / path).write_text(text)

    levels = get_levels(capsys)

    assert (levels["samples"], levels["versions"]) == (ERROR, OK)
    assert "credentials" in levels


def test_settings_that_cannot_be_read_are_an_error_with_what_writes_them(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "profiles/aws").mkdir(parents=True)
    (project / "profiles/aws/account.yaml").write_text("[")

    assert main(["doctor"]) == 1
    assert "account.yaml is not YAML" in capsys.readouterr().out


def test_what_jobs_on_aws_cannot_have_is_an_error(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "a.fna").write_text(">a\nACGT\n")
    (project / "config/samples.tsv").write_text("sample\tassembly\nS1\ta.fna\n")
    (project / "config/config.yaml").write_text("results: s3://bucket/results\n")

    levels = get_levels(capsys)

    assert (levels["samples"], levels["inputs"]) == (OK, ERROR)


def test_the_work_is_that_of_configuration_and_sheet(project: Path) -> None:
    (project / "config/samples.tsv").write_text(
        "sample\tr1\tr2\nS1\ts3://mine/a_R1.fastq.gz\ts3://mine/a_R2.fastq.gz\n"
    )

    work = read_work()

    assert (work.genomes, work.threads, work.memory_mb) == (1, 2, 4000)
    assert (work.buckets, work.has_accessions) == ({"mine"}, False)


@pytest.mark.parametrize(
    ("row", "scratch_gib"),
    [
        ({"accession": "SRX1", "fastq_bytes": [GIB, 2 * GIB]}, 30),
        ({"accession": "SRX1", "bases": [5 * GIB]}, 30),
        ({"r1": ["a_R1.fastq.gz"], "r2": ["a_R2.fastq.gz"]}, 40),
        ({"r1": ["s3://mine/a.fastq.gz"]}, 10),
    ],
)
def test_the_disk_is_that_of_the_genome_with_most_reads(
    project: Path, row: dict[str, Any], scratch_gib: float
) -> None:
    for mate in (1, 2):
        with (project / f"a_R{mate}.fastq.gz").open("wb") as file:
            file.truncate(2 * GIB)

    assert work._scratch_gib(Sample("S1", **row)) == pytest.approx(scratch_gib)


@pytest.mark.parametrize(("free_gib", "level"), [(1, ERROR), (5, WARNING), (50, OK)])
def test_a_disk_without_room_is_reported(
    monkeypatch: pytest.MonkeyPatch, free_gib: int, level: str
) -> None:
    usage = type("Usage", (), {"free": free_gib * GIB})
    monkeypatch.setattr(local.shutil, "disk_usage", lambda _: usage)

    levels = {finding.check: finding.level for finding in local.examine(Work())}

    assert levels["local disk"] == level


def test_a_machine_without_the_memory_of_a_genome_is_reported() -> None:
    levels = {f.check: f.level for f in local.examine(Work(memory_mb=10**9))}

    assert levels["local memory"] == WARNING


@pytest.mark.parametrize(("missing", "level"), [([], OK), (["no Landlock"], WARNING)])
def test_a_machine_that_cannot_confine_tools_is_reported(
    monkeypatch: pytest.MonkeyPatch, missing: list[str], level: str
) -> None:
    monkeypatch.setattr(local, "find_missing", lambda: missing)

    found = {finding.check: finding for finding in local.examine(Work())}

    assert found["local confinement"].level == level
    assert all(one in found["local confinement"].message for one in missing)


@pytest.mark.parametrize(
    ("version", "level", "said"),
    [
        (__version__, OK, f"runs here, and has bactofleet {__version__}"),
        ("0.0.9", WARNING, "has bactofleet 0.0.9, but"),
        (None, WARNING, "needs ch-run or apptainer or singularity, which is not on PATH"),
    ],
)
def test_the_image_that_the_user_names_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str | None, level: str, said: str
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    if version:
        (programs / "ch-run").write_text(f"#!/bin/sh\necho bactofleet {version}\n")
        (programs / "ch-run").chmod(0o755)
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", tmp_path / "nowhere")
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("BACTOFLEET_IMAGE", str(tmp_path))

    found = {finding.check: finding for finding in local.examine(Work())}["tools"]

    assert (found.level, said in found.message) == (level, True)


@pytest.mark.parametrize(
    ("name", "fault", "level"),
    [
        ("there", None, OK),
        ("gone", None, ERROR),
        ("there", Fault.DENIED, WARNING),
        ("there", Fault.UNAVAILABLE, WARNING),
    ],
)
def test_a_reference_is_looked_for_at_its_address_and_not_fetched(
    project: Path,
    archive: Archive,
    capsys: pytest.CaptureFixture[str],
    name: str,
    fault: Fault | None,
    level: str,
) -> None:
    archive.files["/there.faa"] = b">a\nMKVL\n"
    archive.faults["/there.faa"] = [fault] if fault else []
    address = f"{archive.url}/{name}.faa#sha256={'0' * 64}"
    (project / "config/config.yaml").write_text(f"proteins: {address}\n")

    assert get_levels(capsys)["proteins"] == level

    assert [(one.path, one.range) for one in archive.requests] == [(f"/{name}.faa", "bytes=0-0")]
