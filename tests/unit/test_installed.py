"""The installed package, without a checkout: everything that a cohort needs comes with it."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from bactofleet.cli.main import COMMANDS, main
from bactofleet.core import project, versions

REPOSITORY = Path(__file__).parents[2]
SHEET = "sample\taccession\nS1\tSRR2838702\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the installed package, for the start of Python's path."""
    folder = tmp_path_factory.mktemp("site")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Return a folder for PATH: no container engine, but what Snakemake itself calls."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("bash", "sh"):
        (folder / name).symlink_to(shutil.which(name) or name)
    return folder


def run(
    site: Path, tools: Path, folder: Path, *words: str, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run `python -m bactofleet` of the installed package in a folder."""
    environment = {"PATH": str(tools), "HOME": str(folder), "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, "-m", "bactofleet", *words],
        cwd=folder,
        env=environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_the_wheel_has_workflow_schemas_profiles_configuration_and_template_and_no_settings(
    wheel: Path,
) -> None:
    folders = (REPOSITORY / name for name in ("workflow", "profiles", "config", "infra"))
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    expected = {str(path.relative_to(REPOSITORY)) for path in files if path.suffix != ".pyc"}
    expected -= {"config/README.md", "config/samples.tsv", "profiles/aws/account.yaml"}

    with ZipFile(wheel) as archive:
        names = archive.namelist()

    prefix = "bactofleet/project/"
    assert {n.removeprefix(prefix) for n in names if n.startswith(prefix)} == expected


def test_a_cohort_is_laid_out_and_planned_in_an_empty_folder(
    site: Path, tools: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()

    made = run(site, tools, folder, "init", "cohort")
    (folder / "cohort/config/samples.tsv").write_text(SHEET)
    planned = run(site, tools, folder, "run", "--directory", "cohort", "--dry-run", "--quiet")

    assert made.returncode == 0, made.stdout
    assert "bactofleet run --directory cohort" in made.stdout
    assert planned.returncode == 0, planned.stdout
    assert "1 genome: 0 finished, 1 to do" in planned.stdout
    assert (folder / "cohort/workflow").resolve() == site / "bactofleet/project/workflow"


def test_profiles_and_workflow_that_a_folder_lacks_are_those_of_the_package(
    site: Path, tools: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "cohort"
    (folder / "config").mkdir(parents=True)
    (folder / "config/config.yaml").write_text("coverage: 50\n")
    (folder / "config/samples.tsv").write_text(SHEET)

    planned = run(site, tools, folder, "run", "--dry-run")

    assert planned.returncode == 0, planned.stdout
    assert f"{site}/bactofleet/project/profiles/local" in planned.stdout


def test_without_tools_and_container_the_run_names_both_ways(
    site: Path, tools: Path, tmp_path: Path
) -> None:
    run(site, tools, tmp_path, "init", ".")
    (tmp_path / "config/samples.tsv").write_text(SHEET)

    started = run(site, tools, tmp_path, "run")

    assert started.returncode == 1
    assert "These tools are not on PATH: " in started.stdout
    assert "`bactofleet run` does, with Docker or Podman" in started.stdout


ENGINE = """#!{python}
import json, sys
if "inspect" in sys.argv:
    image = sys.argv[-1]
    print("sha256:ab") if image in {images} else sys.exit(1)
else:
    json.dump(sys.argv, open("{told}", "w"))
"""


def make_engine(tools: Path, *images: str) -> Path:
    """Let there be Docker with these images; return the file with what it was called with."""
    told = tools / "told"
    text = ENGINE.format(python=sys.executable, images=images, told=told)
    (tools / "docker").write_text(text)
    (tools / "docker").chmod(0o755)
    return told


def test_on_one_machine_genomes_are_made_in_the_container_with_the_options_of_snakemake(
    site: Path, tools: Path, tmp_path: Path
) -> None:
    told = make_engine(tools, "bactofleet:latest")
    (tmp_path / "my.yaml").write_text("coverage: 50\n")
    run(site, tools, tmp_path, "init", "cohort")

    words = ("--directory", "cohort", "--configfile", "my.yaml", "--cores", "2", "-n")
    started = run(site, tools, tmp_path, "run", *words)

    assert started.returncode == 0, started.stdout
    command = json.loads(told.read_text())
    assert command[command.index("bactofleet:latest") :] == [
        *("bactofleet:latest", "snakemake", "--configfile", "../my.yaml"),
        *("--profile", "profiles/local", "--cores", "2", "-n"),
    ]
    mounted = [word for word in command if word.startswith("type=bind")]
    for path in (site / "bactofleet/project", tmp_path):
        assert f"type=bind,source={path},target={path},readonly" in mounted


def test_an_image_that_no_registry_has_is_not_asked_for(
    site: Path, tools: Path, tmp_path: Path
) -> None:
    told = make_engine(tools, "mine:1")
    run(site, tools, tmp_path, "init", ".")

    refused = run(site, tools, tmp_path, "run")

    assert refused.returncode == 1
    assert "the image bactofleet:latest is not on this machine: get it with" in refused.stdout
    assert not told.exists()

    assert run(site, tools, tmp_path, "run", BACTOFLEET_IMAGE="mine:1").returncode == 0
    assert "mine:1" in json.loads(told.read_text())


@pytest.mark.parametrize(
    ("image", "is_of_docker"), [("mine:1", True), ("/no/such.sif", False), ("there.sif", False)]
)
def test_only_a_name_is_an_image_of_docker(
    tmp_path: Path,
    tools: Path,
    monkeypatch: pytest.MonkeyPatch,
    image: str,
    *,
    is_of_docker: bool,
) -> None:
    """A path that does not exist is refused by the start, which says so."""
    make_engine(tools, "mine:1")
    for name, value in (("PATH", str(tools)), ("BACTOFLEET_IMAGE", image)):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", tmp_path / "nowhere")
    monkeypatch.chdir(tmp_path)
    assert main(["init", "."]) == 0
    Path("there.sif").touch()
    become: list[str] = []
    monkeypatch.setattr(os, "execv", lambda *_: become.append("snakemake"))
    monkeypatch.setattr(os, "execvpe", lambda *_: become.append("docker"))

    main(["run"])

    assert become[0] == ("docker" if is_of_docker else "snakemake")


# --- folders --------------------------------------------------------------------------------------


def test_init_keeps_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/samples.tsv").write_text(SHEET)

    assert main(["init", str(tmp_path)]) == 0
    assert main(["init", str(tmp_path)]) == 0

    assert (tmp_path / "config/samples.tsv").read_text() == SHEET
    assert "Kept config/samples.tsv, which exists." in capsys.readouterr().out


def test_a_link_to_a_removed_or_other_installation_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "site-packages/bactofleet/project/workflow"
    other.mkdir(parents=True)
    link = Path("workflow")

    for target in (other, tmp_path / "removed"):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        project.link_workflow()
        assert link.resolve() == project.WORKFLOW


def test_a_workflow_of_the_users_own_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    Path("workflow").symlink_to("mine")

    project.link_workflow()

    assert Path("workflow").resolve() == tmp_path / "mine"


def test_run_in_a_folder_without_configuration_says_how_to_get_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--directory", str(tmp_path)]) == 1

    assert f"`bactofleet init {tmp_path}` makes it" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_init_fills_the_sheet_with_a_folder_of_reads_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reads").mkdir()
    for name in ("a_S1_L001_R1_001", "a_S1_L001_R2_001", "b_1", "b_2"):
        Path(f"reads/{name}.fastq.gz").write_bytes(gzip.compress(b"@r\nACGT\n+\nIIII\n"))
    Path("elsewhere/deep").mkdir(parents=True)
    Path("cohort").symlink_to("elsewhere/deep")

    assert main(["init", "cohort", "--reads", "reads"]) == 0
    assert main(["init", "cohort", "--reads", "reads"]) == 0

    header, *rows = Path("cohort/config/samples.tsv").read_text().splitlines()
    genomes = [dict(zip(header.split("\t"), row.split("\t"), strict=True)) for row in rows]
    assert [genome["sample"] for genome in genomes] == ["a", "b"]
    files = [Path("cohort", genome[mate]) for genome in genomes for mate in ("r1", "r2")]
    assert all(file.is_file() for file in files)
    assert "Next: review the genomes in cohort/config/samples.tsv" in capsys.readouterr().out
    assert main(["check", "--directory", "cohort"]) == 0


def test_init_with_a_folder_without_reads_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "cohort"), "--reads", str(tmp_path)]) == 1
    assert "FASTQ" in capsys.readouterr().err


@pytest.mark.parametrize("before", [True, False])
def test_a_command_works_in_the_folder_that_it_is_given_with_paths_from_here(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    before: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["init", "cohort"])
    Path("cohort/config/samples.tsv").write_text(SHEET)
    Path("mine.yaml").write_text("coverage: deep\n")
    place = ["--directory", "cohort"]

    assert main([*place, "check"] if before else ["check", *place]) == 0
    assert main(["check", *place, "--configfile", "mine.yaml"]) == 1

    assert "../mine.yaml: coverage must be a number" in capsys.readouterr().err
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"run"}))
def test_no_command_takes_options_that_it_does_not_know(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--no-such-option"])

    assert ended.value.code == 2


def test_a_folder_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--directory", os.devnull]) == 1

    assert f"{os.devnull}: Not a directory" in capsys.readouterr().err
