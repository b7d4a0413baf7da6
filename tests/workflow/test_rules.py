"""The rules, as Snakemake runs and reads them: no secret is left behind, `--lint` is content."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest
from support.archive_server import Archive, Fault
from workflow.conftest import IMAGE, SMALL, Project, plasmid

from bactofleet.core.toolset import needed_programs
from bactofleet.genome.stage import STAGES

REPOSITORY = Path(__file__).parents[2]
SECRET = "wJalrXUtnFEMIK7MDENG"
# https://docs.python.org/3/library/audit_events.html
RECORDER = """
import sys

def record(event, arguments):
    if event in {{"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"}}:
        commands.write(f"{{arguments}}\\n")

commands = open({path!r}, "a", buffering=1)
commands.write(f"{{sys.orig_argv}}\\n")
sys.addaudithook(record)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the folder of a fresh clone, with an empty sheet."""
    return clone(tmp_path / "clone")


def clone(folder: Path) -> Path:
    for name in ("config", "workflow", "profiles"):
        shutil.copytree(REPOSITORY / name, folder / name)
    # Only the image has the references.
    config = folder / "config/config.yaml"
    config.write_text(
        config.read_text().replace("species_references: refseq", 'species_references: ""')
    )
    (folder / "config/samples.tsv").write_text("sample\taccession\tr1\tr2\tassembly\n")
    return folder


def start(
    project: Path,
    *arguments: str,
    output: IO[str] | int = subprocess.PIPE,
    **environment: str,
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=project,
        env=os.environ | environment,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
    )


# --- secrets --------------------------------------------------------------------------------------


def install_tools(folder: Path) -> str:
    """Put tools that do nothing on a PATH of their own; return it."""
    folder.mkdir()
    for program in needed_programs({"assembler": "skesa", "polish": True, "resistance": True}):
        (folder / program).write_text("#!/bin/sh\n")
        (folder / program).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def record_commands(folder: Path) -> dict[str, str]:
    """Let each Python process record its command, and those that it starts, in a file there.

    Returns the environment that does so.
    """
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(RECORDER.format(path=str(folder / "commands")))
    return {"PYTHONPATH": str(folder)}


def iter_contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each file of a folder, and of the tarballs in it."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()
        if path.name.endswith(".tar.gz"):
            with tarfile.open(path) as tar:
                for member in filter(tarfile.TarInfo.isfile, tar):
                    yield f"{path.name}:{member.name}", tar.extractfile(member).read()  # type: ignore[union-attr]


def test_a_secret_of_a_url_is_found_nowhere_but_in_the_sheet(
    project: Path, archive: Archive, tmp_path: Path
) -> None:
    archive.files = {"/excluded.fna": b"no FASTA", "/denied.fq.gz": b"reads"}
    archive.faults["/denied.fq.gz"] = [Fault.DENIED] * 9
    query = f"X-Amz-Credential=me&X-Amz-Signature={SECRET}"
    rows = [
        f"excluded\t\t\t\t{archive.url}/excluded.fna?{query}",
        f"denied\t\t{archive.url}/denied.fq.gz?{query}\t\t",
        f"gone\t\t{archive.url}/gone.fq.gz?{query}\t{archive.url}/too.fq.gz?{query}\t",
    ]
    with (project / "config/samples.tsv").open("a") as sheet:
        sheet.write("\n".join(rows) + "\n")

    process = start(
        project,
        *("--profile", "profiles/local", "--cores", "2", "--printshellcmds", "--verbose"),
        output=(project / "terminal").open("w"),
        PATH=install_tools(tmp_path / "tools"),
        **record_commands(tmp_path / "recorder"),
        **archive.environment,
    )
    process.wait(timeout=120)
    commands = (tmp_path / "recorder/commands").read_text().splitlines()
    said = (project / "terminal").read_text()

    assert process.returncode == 1, said
    assert (project / "results/receipts/excluded.json").exists(), said
    assert {path.stem for path in (project / "results/failed").glob("*.json")} == {"denied", "gone"}
    assert any(SECRET in request.path for request in archive.requests)
    assert any("stage.py" in command for command in commands)
    assert any("/bin/bash" in command for command in commands)
    assert not [command for command in commands if SECRET in command]
    found = [name for name, content in iter_contents(project) if SECRET.encode() in content]
    assert found == ["config/samples.tsv"]
    assert list((project / ".snakemake/metadata").iterdir())


def test_what_is_wrong_with_a_sheet_is_reported_without_its_secrets(project: Path) -> None:
    rows = [
        f"a\tSRR2838702\thttps://host/x?sig={SECRET}\t\t",
        f"b\t\thttp://host/x?sig={SECRET}\t\t",
        f"c\t\thttps://me:{SECRET}@host/x\thttps://me:{SECRET}@host/x\t",
        f"d\t\thttps://host/x?a=1;sig={SECRET}\t\t",
        f"e\t\t\t\thttps://host/x y?sig={SECRET}",
    ]
    with (project / "config/samples.tsv").open("a") as sheet:
        sheet.write("\n".join(rows) + "\n")

    said, _ = start(project, "--profile", "profiles/local", "--dry-run").communicate(timeout=60)

    assert all(f"line {line}, column" in said for line in range(2, 7))
    assert SECRET not in said


# --- what a genome is made of ---------------------------------------------------------------------


RECEIPT = "results/receipts/S1.json"
# What the runs are asked for: with the table and the report, they would take twice the time.
RECEIPTS = "results/.gathered/0"


@dataclass(frozen=True)
class Begun:
    """A project whose run has ended in the annotation of its genome."""

    project: Path
    kept: Path
    """A copy of it; the place of a project is part of what its stages know."""
    tools: str
    identity: dict[str, Any]

    def restore(self) -> None:
        """Let the project be as the run has left it."""
        shutil.rmtree(self.project)
        shutil.copytree(self.kept, self.project)


@pytest.fixture(scope="module")
def begun_once(tmp_path_factory: pytest.TempPathFactory) -> Begun:
    folder = tmp_path_factory.mktemp("begun")
    project = clone(folder / "clone")
    for file in (project / "first.fna", project / "second.fna"):
        file.write_text("no FASTA")
        os.utime(file, (1000, 1000))
    (project / "config/samples.tsv").write_text("sample\tassembly\nS1\tfirst.fna\n")
    (folder / "ends").mkdir()
    (folder / "ends/sitecustomize.py").write_text(
        "import os, sys\nif 'annotation' in sys.orig_argv: os._exit(1)\n"
    )
    arguments = ["--profile", "profiles/local", "--cores", "1", "--drop-metadata", RECEIPTS]
    tools = install_tools(folder / "tools")
    process = start(project, *arguments, PATH=tools, PYTHONPATH=str(folder / "ends"))
    said, _ = process.communicate(timeout=120)
    record = next(project.glob("scratch/*/S1/download/stage.json"), None)
    assert record, said
    shutil.copytree(project, folder / "kept")
    return Begun(project, folder / "kept", tools, json.loads(record.read_text())["identity"])


@pytest.fixture
def begun(begun_once: Begun) -> Begun:
    begun_once.restore()
    return begun_once


@pytest.mark.parametrize("change", ["row", "option", "file"])
def test_a_genome_that_was_begun_of_something_else_is_begun_anew(begun: Begun, change: str) -> None:
    """However old its files are and whatever Snakemake remembers of how they were made."""
    project, first = begun.project, begun.project / "first.fna"
    options = ["--rerun-triggers", "mtime"]
    if change == "row":
        (project / "config/samples.tsv").write_text("sample\tassembly\nS1\tsecond.fna\n")
    elif change == "file":
        first.write_text("no FASTA either")
        os.utime(first, (900, 900))
    else:
        options += ["--config", "coverage=20"]
    process = start(
        project,
        *(
            "--profile",
            "profiles/local",
            "--cores",
            "1",
            "--drop-metadata",
            *options,
            "--",
            RECEIPTS,
        ),
        PATH=begun.tools,
    )
    said, _ = process.communicate(timeout=120)

    receipt = json.loads((project / RECEIPT).read_text())
    assert process.returncode == 0, said
    assert "NOTE: begun with other input or settings, they start again: S1" in said
    assert receipt["identity"] != begun.identity
    assert receipt["input"]["sources"] == ["second.fna" if change == "row" else "first.fna"]
    assert receipt["fingerprint"]["parameters"] == receipt["identity"]["parameters"]
    assert not [path for path in (project / "scratch").rglob("*") if path.is_file()]


def test_a_genome_that_was_begun_alike_goes_on_where_it_was(begun: Begun) -> None:
    project = begun.project
    (project / "results/logs/S1/download.log").unlink()

    process = start(
        project, "--profile", "profiles/local", "--cores", "1", RECEIPTS, PATH=begun.tools
    )
    said, _ = process.communicate(timeout=120)

    assert process.returncode == 0, said
    assert "start again" not in said
    assert not (project / "results/logs/S1/download.log").exists()


# --- jobs elsewhere -------------------------------------------------------------------------------


def test_a_dry_run_tells_what_jobs_on_aws_cannot_have(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "a.fna").write_text(">a\nACGT\n")
    (project / "config/samples.tsv").write_text("sample\tassembly\nS1\ta.fna\n")
    role = "arn:aws:iam::123456789012:role/x"
    account = {"REGION": "eu-west-1", "BUCKET": "bucket", "JOB_QUEUE": "queue", "IMAGE": "x:1"}
    account |= {"JOB_ROLE": role, "EXECUTION_ROLE": role}

    for name, value in account.items():
        monkeypatch.setenv(f"SNAKEMAKE_AWS_BATCH_ARRAY_{name}", value)

    process = start(
        *(project, "--profile", "profiles/aws", "--dry-run", "--config", "results=s3://bucket/x")
    )
    said, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "config/samples.tsv: S1: files of this machine, which jobs elsewhere cannot" in said


# --- where stages run in an image -----------------------------------------------------------------


def test_marks_of_parts_need_no_program_but_the_shell(tmp_path: Path) -> None:
    """PATH may have no other there; without its mark, no part is reported."""
    rules = (REPOSITORY / "workflow/rules/report.smk").read_text()
    (command,) = re.findall(r'shell:\n +"(.*{output\.mark:q}.*)"', rules)
    words = [shutil.which("bash") or "bash", "-euo", "pipefail", "-c"]

    subprocess.run(
        [*words, command.replace("{output.mark:q}", "mark")],
        cwd=tmp_path,
        env={"PATH": "/nowhere"},
        check=True,
    )

    assert (tmp_path / "mark").read_text() == ""


# Snakemake calls it as it would call Apptainer, which neither Debian nor PyPI has: like it, the
# stand-in shows the working directory, a /tmp, and what is bound.
APPTAINER = """#!{python}
import os, subprocess, sys
from pathlib import Path

words = [word for word in sys.argv[1:] if word not in ("--quiet", "--silent")]
with open("{told}", "a") as told:
    print(*words, file=told)
if words == ["--version"]:
    print("apptainer version 1.3.4")
elif words[0] == "pull":
    Path(words[2]).write_text(words[3].removeprefix("docker://"))
else:
    shown = set(os.environ["APPTAINER_BIND"].split(","))
    while words[1] in ("--home", "--bind"):
        shown.add(words[2])
        words[1:3] = []
    _, image, *command = words
    shown = [path for path in shown if not any(path.startswith(f"{{one}}/") for one in shown)]
    subprocess.run([
        *("docker", "run", "--rm", "--network", "none", "--tmpfs", "/tmp:exec"),
        *("--user", f"{{os.getuid()}}:{{os.getgid()}}", "--workdir", os.getcwd()),
        *(f"--volume={{path}}:{{path}}" for path in shown),
        *(f"--env={{name}}" for name in os.environ if name.startswith("BACTOFLEET_")),
        Path(image).read_text(), *command,
    ], check=True)
"""


def test_apptainer_started_by_snakemake_runs_the_stages_in_the_image(
    project: Path, tmp_path: Path
) -> None:
    """Input and workflow are elsewhere, and have to be bound."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "apptainer").write_text(
        APPTAINER.format(python=sys.executable, told=tmp_path / "told")
    )
    (programs / "apptainer").chmod(0o755)
    (tmp_path / "input").mkdir()
    (tmp_path / "input/no.fna").write_text("no FASTA")
    sheet = f"sample\tassembly\nS1\t{tmp_path}/input/no.fna\n"
    (project / "config/samples.tsv").write_text(sheet)

    process = start(
        project,
        *("--snakefile", str(REPOSITORY / "workflow/Snakefile")),
        *("--profile", "profiles/local", "--cores", "1", RECEIPTS, "--sdm", "apptainer"),
        PATH=f"{programs}:{os.environ['PATH']}",
        BACTOFLEET_IMAGE=IMAGE,
    )
    said, _ = process.communicate(timeout=300)

    assert process.returncode == 0, said
    receipt = json.loads((project / RECEIPT).read_text())
    assert receipt["status"] == "excluded"
    assert receipt["image"]["name"] == IMAGE
    calls = [line.split()[0] for line in (tmp_path / "told").read_text().splitlines()]
    assert calls.count("pull") == 1
    assert calls.count("exec") == len(STAGES)


# --- the linter -----------------------------------------------------------------------------------


def test_lint_of_a_fresh_clone_says_only_what_comments_answer(project: Path) -> None:
    """workflow/rules/common.smk and report.smk say why."""
    said, _ = start(project, "--lint").communicate(timeout=60)

    lints = set(re.findall(r"^    \* (.*?):*$", said, re.MULTILINE))
    assert lints == {
        "Specify a conda environment or container for each rule.",
        "No log directive defined",
    }
    assert re.findall(r"Lints for rule (\w+) .*\n    \* No log", said) == ["gather", "report"]


def test_a_run_of_an_empty_sheet_is_refused(project: Path) -> None:
    process = start(project, "--profile", "profiles/local", "--dry-run")
    said, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "config/samples.tsv, line 1: there are no samples below the header" in said


def test_the_folder_for_tests_of_others_has_genomes_to_make(project: Path) -> None:
    for name in (".test", "demo"):
        shutil.copytree(REPOSITORY / name, project / name)

    said, _ = start(project, "--directory", ".test", "--dry-run").communicate(timeout=60)

    assert "2 genomes: 0 finished, 2 to do" in said
    assert "This was a dry-run" in said


def test_the_report_of_snakemake_has_our_page_in_it(project: Path, tmp_path: Path) -> None:
    (project / "no.fna").write_text("no FASTA")
    (project / "config/samples.tsv").write_text("sample\tassembly\nS1\tno.fna\n")
    tools = install_tools(tmp_path / "tools")
    # Without records in .snakemake/metadata, as in the profiles of clusters and AWS.
    words = ("--profile", "profiles/local", "--cores", "1", "--drop-metadata")
    made, _ = start(project, *words, PATH=tools).communicate(timeout=120)

    said, _ = start(project, *words, "--report", "all.zip", PATH=tools).communicate(timeout=120)

    assert "Report created" in said, made + said
    with zipfile.ZipFile(project / "all.zip") as archive:
        contents = [archive.read(name) for name in archive.namelist()]
    assert (project / "results/report.html").read_bytes() in contents


# --- as a module of another workflow --------------------------------------------------------------


def deploy(project: Path, tmp_path: Path) -> None:
    """Let snakedeploy write a folder that uses the repository, which is not on GitHub but here."""
    pytest.importorskip("snakedeploy", reason="it has no release for this Python")
    repository = tmp_path / "github/bactofleet/bactofleet"
    repository.parent.mkdir(parents=True)
    project.rename(repository)
    author = ("-c", "user.name=me", "-c", "user.email=me@localhost")
    for git in (("init", "-q"), ("add", "."), (*author, "commit", "-q", "-m", "Release")):
        subprocess.run(["git", *git], cwd=repository, check=True)
    snakedeploy = [str(Path(sys.executable).with_name("snakedeploy")), "deploy-workflow"]
    words = [str(repository), str(project), "--branch", "HEAD"]
    subprocess.run([*snakedeploy, *words], check=True, capture_output=True)
    snakefile = project / "workflow/Snakefile"
    deployed = snakefile.read_text()
    assert 'github("bactofleet/bactofleet", path="workflow/Snakefile", branch="HEAD")' in deployed
    here = f'gitfile("{repository}", path="workflow/Snakefile", ref="HEAD")'
    snakefile.write_text(re.sub(r"github\(.*?\)", here, deployed))


def use_module(project: Path, module: Path) -> str:
    """Move the workflow there; return a Snakefile that takes all its rules."""
    (project / "workflow").rename(module)
    (project / "workflow").mkdir()
    return (
        'configfile: "config/config.yaml"\n\n\n'
        f'module bactofleet:\n    snakefile: "{module}/Snakefile"\n    config: config\n\n\n'
        "use rule * from bactofleet\n\n\n"
        "use rule qc from bactofleet as qc with:\n    threads: 1\n\n\n"
    )


def check_complete(project: Path, status: int, said: str) -> None:
    """Check that the plasmid of the demo became a complete genome, and is in the report."""
    assert status == 0, said[-3000:]
    assert json.loads((project / RECEIPT).read_text())["status"] == "complete"
    assert (project / "results/S1.tar.gz").is_file()
    assert "S1\tcomplete" in (project / "results/cohort.tsv").read_text()
    assert "S1" in (project / "results/report.html").read_text()


def test_a_workflow_that_uses_this_one_as_a_module_makes_a_complete_genome_in_the_image(
    project: Path, tmp_path: Path
) -> None:
    snakefile = project / "workflow/Snakefile"
    snakefile.write_text(use_module(project, project / "bactofleet"))
    made = Project(project, SMALL)
    made.write_samples([plasmid("S1")])

    result = made.run("--snakefile", str(snakefile))

    check_complete(project, result.status, result.output)


def make_excluded(project: Path, tools: Path) -> str:
    """Run a workflow on one genome, whose input is no FASTA; return what it said."""
    (project / "no.fna").write_text("no FASTA")
    (project / "config/samples.tsv").write_text("sample\tassembly\nS1\tno.fna\n")
    words = ("--profile", "profiles/local", "--cores", "1", RECEIPTS)
    process = start(project, *words, PATH=install_tools(tools))
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert json.loads((project / RECEIPT).read_text())["status"] == "excluded"
    return said


def test_a_workflow_deployed_by_snakedeploy_makes_its_genomes(
    project: Path, tmp_path: Path
) -> None:
    """As the workflow catalog says, of a repository that is not on GitHub but here."""
    deploy(project, tmp_path)

    make_excluded(project, tmp_path / "tools")


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_workflow_that_uses_this_one_as_a_module_makes_its_genomes(
    project: Path, tmp_path: Path, place: str
) -> None:
    use = use_module(project, tmp_path / "bactofleet")
    own = 'onstart:\n    print("own hook")\n\n\n'
    text = own + use if place == "before" else use + own
    (project / "workflow/Snakefile").write_text(text)

    said = make_excluded(project, tmp_path / "tools")

    assert said.count("own hook") == 1
