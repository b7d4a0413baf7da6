"""The command checks before anything is spent, and versions and tools are found by asking."""

import json
import os
import re
import shlex
import subprocess
import sys
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import pytest

from bactofleet import __version__
from bactofleet.cli.main import COMMANDS, _parse, main
from bactofleet.core import versions
from bactofleet.core.toolset import needed_programs

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory: a project with one good sample."""
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/schemas").symlink_to(REPOSITORY / "workflow/schemas")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("coverage: 50\n")
    (tmp_path / "config/samples.tsv").write_text("sample\taccession\nS1\tSRR2838702\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_tool(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_a_good_project_is_said_to_be_good(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == 0
    assert "config/samples.tsv are good: 1 genome." in capsys.readouterr().out


def test_how_a_spreadsheets_text_was_read_is_told(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "config/samples.tsv").write_bytes(b"sample\taccession\r\nS1\tSRR2838702\r\n")

    assert main(["check"]) == 0
    assert "NOTE: config/samples.tsv: it has Windows line ends\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("config/config.yaml", "coverage: deep", "coverage must be a number, not 'deep'"),
        ("config/config.yaml", "coverage: [", "config.yaml is not YAML"),
        (
            "config/config.yaml",
            "coverage",
            "the whole file must be options with their values (name: value), not 'coverage'",
        ),
        ("config/config.yaml", "samples: no.tsv", "no.tsv does not exist"),
        ("config/config.yaml", "coverage: 50\ncoverage: 60", "coverage: given more than once"),
        ("config/config.yaml", "proteins: no.faa", "proteins: there is no file 'no.faa'"),
        (
            "config/config.yaml",
            "redo: [S9]",
            "samples of the sheet, not S9",
        ),
        ("config/samples.tsv", "sample\taccession\nS 1\tSRR2838702", "column sample: 'S 1'"),
    ],
)
def test_what_is_wrong_is_reported_without_a_traceback(
    project: Path, capsys: pytest.CaptureFixture[str], path: str, text: str, problem: str
) -> None:
    (project / path).write_text(text)

    assert main(["check"]) == 1
    assert problem in capsys.readouterr().err


@pytest.fixture
def of_local_files(project: Path) -> Path:
    """Return a project whose genomes are files of this machine."""
    (project / "a.fna").write_text(">a\nACGT\n")
    (project / "config/samples.tsv").write_text("sample\tassembly\nS1\ta.fna\nS2\ta.fna\n")
    return project


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("config/config.yaml", "results: s3://bucket/results\n"),
        ("profiles/aws/account.yaml", "aws-batch-array-job-queue: queue\n"),
    ],
)
def test_what_jobs_on_aws_cannot_have_is_reported_for_a_good_project(
    of_local_files: Path, path: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (of_local_files / path).parent.mkdir(parents=True, exist_ok=True)
    (of_local_files / path).write_text(text)

    assert main(["check"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("config/config.yaml and config/samples.tsv are good: 2 genomes.")
    assert "NOTE: on AWS Batch it would be refused: config/samples.tsv: S1, S2: files of" in said
    assert "1 sample names an input that another one names too (for example S2, as S1)" in said


def test_a_project_without_aws_hears_nothing_of_it(
    of_local_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == 0
    assert "AWS" not in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_named_without_a_traceback(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "mine").write_text("a file")

    assert main(["import", "mine", "--output", "mine/samples.tsv"]) == 1
    assert "mine" in capsys.readouterr().err
    (project / "config/config.yaml").write_text("results: mine/results\n")
    assert main(["report"]) == 1
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "report"])
def test_outside_of_a_project_it_is_said_what_is_missing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main([command]) == 1
    assert "config/config.yaml does not exist" in capsys.readouterr().err


def test_a_report_without_a_sheet_says_so(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "config/samples.tsv").unlink()

    assert main(["report"]) == 1
    assert "samples.tsv does not exist" in capsys.readouterr().err


def test_a_report_is_written_of_what_there_is(project: Path) -> None:
    assert main(["report"]) == 0

    assert "S1" in (project / "results/cohort.tsv").read_text()
    assert (project / "results/report.html").stat().st_size > 1000


def test_versions_are_asked_of_the_tools_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tool(tmp_path, "fastp", "echo fastp 0.24.0 >&2")
    write_tool(tmp_path, "bwa", "echo 'Version: 0.7.18-r1243'; exit 1")
    write_tool(tmp_path, "skesa", "echo says nothing of its version")
    database = tmp_path / "db/kingdom/Bacteria/sprot"
    database.parent.mkdir(parents=True)
    database.write_text(">a\nMKV\n")
    (database.parent / "AMR").write_text(">b\nMTL\n")
    (tmp_path / "db/hmm").mkdir()
    (tmp_path / "db/hmm/HAMAP.hmm").write_text("HMMER3\n")
    proteins = b">b\nMTL\n>a\nMKV\nHMMER3\n"
    write_tool(tmp_path, "prokka", f"echo prokka 1.14.6, databases in: {tmp_path}/db")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main(["versions"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found.pop("python").startswith("3.")
    for name in ("resfinder", "pointfinder", "plasmidfinder"):
        assert re.fullmatch(r"20\d\d-\d\d-\d\d [0-9a-f]{12}", found.pop(f"{name} database"))
    assert found == {
        "bactofleet": __version__,
        "bwa": "0.7.18-r1243",
        "fastp": "0.24.0",
        "multiqc": metadata.version("multiqc"),
        "prokka": "1.14.6",
        "prokka database": f"sha256:{sha256(proteins).hexdigest()[:16]}",
        "skesa": "unknown",
        "snakemake": metadata.version("snakemake"),
        "staramr": metadata.version("staramr"),
    }


def test_the_list_of_the_image_is_taken_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", tmp_path / "versions.json")
    (tmp_path / "versions.json").write_text('{"prokka": "1.14.6"}')

    assert versions.get_versions() == {"prokka": "1.14.6"}


def test_missing_tools_are_named_whether_by_tool_or_by_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"assembler": "spades", "phix": True}
    for program in needed_programs(options) - {"bbduk.sh", "faketime"}:
        write_tool(tmp_path, program, "")
    monkeypatch.setenv("PATH", str(tmp_path))

    missing = versions.missing_tools(options)

    assert missing == ["bbduk", "faketime"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_describes_its_options(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0
    assert f"usage: bactofleet {command}" in capsys.readouterr().out


def test_a_command_imports_nothing_of_the_others() -> None:
    program = (
        "import sys; from bactofleet.cli.main import main; main(['versions']); "
        "print(*(name for name in sys.modules if name.startswith('bactofleet.cli')), "
        "file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert set(ran.stderr.split()) == {
        "bactofleet.cli",
        "bactofleet.cli.main",
        "bactofleet.cli.versions",
    }


# --- help, wrong combinations, completion ---------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_has_a_description_and_an_example_that_is_understood(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    said = capsys.readouterr().out
    assert ended.value.code == 0
    (example,) = re.findall(r"^ +(bactofleet .*)$", said, re.MULTILINE)[:1]
    words = shlex.split(example.partition(" && ")[0])[1:]
    assert words[0] == command
    assert callable(_parse(words, Path).run)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["cost", "--vcpus", "4"], "argument --vcpus: only together with --estimate"),
        (["cost", "--offline", "--prices", "x"], "argument --prices: not together with --offline"),
        (["search", "1280", "--seed", "4"], "argument --seed: only together with --limit"),
        (["search", "1280", "--seed", "0"], "argument --seed: only together with --limit"),
        (
            ["status", "--run", "s3://b/runs/x", "--configfile", "mine.yaml"],
            "argument --run: not together with --configfile",
        ),
    ],
)
@pytest.mark.usefixtures("project")
def test_options_that_would_be_ignored_are_refused(
    capsys: pytest.CaptureFixture[str], words: list[str], problem: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 2
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("bactofleet sta", {"status"}),
        ("bactofleet status --wa", {"--watch"}),
        ("bactofleet fetch --status ", {"complete", "excluded"}),
        ("bactofleet -d . cost --est", {"--estimate"}),
    ],
)
def test_a_shell_that_asks_how_to_go_on_is_answered(line: str, offered: set[str]) -> None:
    """As bash, zsh and fish ask: https://kislyuk.github.io/argcomplete/."""
    request = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    request |= {"_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_SUPPRESS_SPACE": "1"}
    answer = subprocess.run(
        ["bash", "-c", f"exec {sys.executable} -m bactofleet 8>&1 9>&2"],
        capture_output=True,
        text=True,
        env=os.environ | request,
        check=False,
    )

    assert {word.strip() for word in answer.stdout.splitlines()} == offered, answer.stderr
