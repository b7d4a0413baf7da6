"""Stages in an image that the user names: which program runs it, with which folders, and checks."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from bactofleet import __version__
from bactofleet.core import versions
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.frozen_samples import freeze_samples
from bactofleet.core.image import find_mismatch
from bactofleet.core.samples import read_samples
from bactofleet.records.failure import read_failure
from bactofleet.run import contained
from bactofleet.run.container import Mounts

ENGINE = """#!{python}
import json, os, sys
json.dump([sys.argv, dict(os.environ)], open("{told}", "w"))
print("bactofleet {version}")
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, in a place that is not the image."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", tmp_path / "nowhere")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return folder


def add_engine(programs: Path, name: str, version: str = __version__) -> Path:
    """Put a program on PATH; return the file that says how it was called."""
    told = programs / f"{name}.told"
    (programs / name).write_text(ENGINE.format(python=sys.executable, told=told, version=version))
    (programs / name).chmod(0o755)
    return told


def make_image(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    path = tmp_path / name
    path.touch() if path.suffix else path.mkdir()
    monkeypatch.setenv("BACTOFLEET_IMAGE", str(path))
    return str(path)


@pytest.mark.parametrize(
    ("image", "installed", "chosen"),
    [
        ("image", ["docker", "apptainer", "ch-run"], "ch-run"),
        ("image", ["docker", "apptainer"], "apptainer"),
        ("image.sqfs", ["podman", "ch-run"], "ch-run"),
        ("image.sif", ["ch-run", "singularity"], "singularity"),
    ],
)
def test_the_program_is_found_that_runs_this_kind_of_image(
    programs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    image: str,
    installed: list[str],
    chosen: str,
) -> None:
    for name in installed:
        add_engine(programs, name)

    found = contained.find_engine(make_image(tmp_path, image, monkeypatch))

    assert found == str(programs / chosen)


def test_an_image_by_name_is_that_of_docker_or_podman(programs: Path) -> None:
    add_engine(programs, "ch-run")
    add_engine(programs, "podman")

    assert contained.find_engine("bactofleet:0.1.0") == str(programs / "podman")


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("image", "needs ch-run or apptainer or singularity, which is not on PATH here"),
        ("image.tar", "is no image; name a folder"),
    ],
)
def test_an_image_that_nothing_here_runs_is_refused_with_what_would(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: str, reason: str
) -> None:
    name = make_image(tmp_path, image, monkeypatch)

    with pytest.raises(ConfigurationError, match=reason):
        contained.find_engine(name)


def test_an_image_that_does_not_exist_is_refused_on_a_login_node_too(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACTOFLEET_IMAGE", "/no/such/image")

    with pytest.raises(ConfigurationError, match="/no/such/image is no image"):
        contained.check_image(is_engine_here=False)


def test_nodes_may_have_the_program_that_the_login_node_lacks(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_image(tmp_path, "image", monkeypatch)

    contained.check_image(is_engine_here=False)
    with pytest.raises(ConfigurationError, match="ch-run"):
        contained.check_image(is_engine_here=True)


@pytest.mark.parametrize(("image", "is_known"), [("bactofleet:0.1.0", True), ("x.tar", False)])
def test_a_login_node_leaves_to_its_nodes_what_they_can_run(
    programs: Path, monkeypatch: pytest.MonkeyPatch, image: str, *, is_known: bool
) -> None:
    Path("x.tar").touch()
    monkeypatch.setenv("BACTOFLEET_IMAGE", image)

    with nullcontext() if is_known else pytest.raises(ConfigurationError, match="is no image"):
        contained.check_image(is_engine_here=False)


def test_an_image_that_says_no_version_is_refused(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_image(tmp_path, "image", monkeypatch)
    (programs / "ch-run").write_text("#!/bin/sh\n")
    (programs / "ch-run").chmod(0o755)

    with pytest.raises(ConfigurationError, match="the image has bactofleet"):
        contained.check_image(is_engine_here=True)


def test_an_image_of_another_version_is_refused_before_a_genome_starts(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_image(tmp_path, "image", monkeypatch)
    add_engine(programs, "ch-run")
    contained.check_image(is_engine_here=True)
    add_engine(programs, "ch-run", version="0.0.9")

    with pytest.raises(ConfigurationError, match=f"has bactofleet 0.0.9, but {__version__} is"):
        contained.check_image(is_engine_here=True)


def test_docker_is_asked_with_its_own_variables_and_without_the_terminal(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = add_engine(programs, "docker")
    monkeypatch.setenv("BACTOFLEET_IMAGE", "bactofleet:0.1.0")
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/user/1000/docker.sock")
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)

    contained.check_image(is_engine_here=True)

    words, environment = json.loads(told.read_text())
    assert environment["DOCKER_HOST"] == "unix:///run/user/1000/docker.sock"
    assert "--tty" not in words


def test_versions_are_compared_only_where_a_caller_has_one() -> None:
    assert not find_mismatch("1", None)
    assert not find_mismatch("1", "1")
    assert "install bactofleet 1" in find_mismatch("1", "2")


def stage_words(tmp_path: Path, stage: str, *options: str) -> list[str]:
    return [
        *(stage, "--sample", "S1", "--threads", "1", "--mem-mb", "1", "--attempt", "1"),
        *("--outputs", "scratch/S1/download/stage.json", "--log", "results/logs/S1/x.log"),
        *("--failures", "results/failed", "--options", *options),
    ]


def test_a_stage_sees_its_own_genome_and_the_files_of_its_row_alone(
    programs: Path, tmp_path: Path
) -> None:
    here = Path.cwd()
    for name in ("mine", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "reads.fastq").touch()
    sheet = here / "samples.tsv"
    rows = [f"S1\t{tmp_path}/mine/reads.fastq", f"S2\t{tmp_path}/other/reads.fastq"]
    sheet.write_text("\n".join(["sample\tr1", *rows, ""]))
    freeze_samples(here / "frozen", read_samples(sheet), {})
    words = stage_words(tmp_path, "download", f'samples="{here}/frozen"')

    mounts = contained.find_mounts("/workflow/stage.py", words)

    assert tmp_path / "mine" in mounts.read_only
    assert tmp_path / "other" not in mounts.read_only
    assert mounts.writable == (
        here / "results/failed",
        here / "results/logs/S1",
        here / "scratch/S1",
    )


@pytest.mark.parametrize("option", ["proteins", "species_references", "mlst_schemes"])
def test_a_stage_sees_what_its_options_name(programs: Path, tmp_path: Path, option: str) -> None:
    (tmp_path / "shared/named").mkdir(parents=True)
    words = stage_words(tmp_path, "typing", f'{option}="{tmp_path}/shared/named"')

    seen = contained.find_mounts("/workflow/stage.py", words).read_only
    assert tmp_path / "shared/named" in seen
    assert tmp_path / "shared" not in seen


def test_fetched_references_are_written_by_one_stage_and_read_by_others(
    programs: Path, tmp_path: Path
) -> None:
    here, address = Path.cwd(), f"s3://bucket/p.faa#sha256={'0' * 64}"
    (here / "scratch/.references").mkdir(parents=True)
    fetching = stage_words(tmp_path, "qc", f'references={{"proteins": "{address}"}}')
    reading = stage_words(tmp_path, "annotation", f'proteins="{address}"')

    assert here / "scratch/.references" in contained.find_mounts("s.py", fetching).writable
    assert here / "scratch/.references" not in contained.find_mounts("s.py", reading).writable
    assert here in contained.find_mounts("s.py", reading).read_only


def test_a_stage_sees_the_certificates_that_a_variable_names(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "certificates").mkdir()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificates/ours.pem"))

    mounts = contained.find_mounts("stage.py", stage_words(tmp_path, "download"))

    assert tmp_path / "certificates" in mounts.read_only
    assert "REQUESTS_CA_BUNDLE" in contained.environment_of(os.environ)


def test_links_in_the_working_directory_lead_to_folders_that_the_stage_sees(
    programs: Path, tmp_path: Path
) -> None:
    """As on clusters: `ln -s /scratch/me scratch`."""
    for name in ("results", "scratch"):
        (tmp_path / "large" / name).mkdir(parents=True)
        Path(name).symlink_to(tmp_path / "large" / name)

    mounts = contained.find_mounts("stage.py", stage_words(tmp_path, "qc"))

    assert mounts.writable == (
        tmp_path / "large/results/failed",
        tmp_path / "large/results/logs/S1",
        tmp_path / "large/scratch/S1",
    )


def test_a_node_that_cannot_run_the_image_is_the_recorded_reason_of_its_genome(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_image(tmp_path, "image", monkeypatch)

    with pytest.raises(SystemExit) as ended:
        contained.main(["stage.py", *stage_words(tmp_path, "qc")])

    failure = read_failure(Path("results/failed"), "S1")
    assert ended.value.code == failure.exit_code == 1
    assert failure.stage == "qc"
    assert "needs ch-run or apptainer or singularity, which is not on PATH" in failure.message


@pytest.mark.parametrize(("stage", "is_told"), [("publish", True), ("qc", False)])
def test_credentials_reach_the_stages_that_fetch_or_send_alone(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, *, is_told: bool
) -> None:
    make_image(tmp_path, "image", monkeypatch)
    add_engine(programs, "ch-run")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    passed: list[dict[str, str]] = []
    monkeypatch.setattr(os, "execve", lambda *words: passed.append(words[2]))

    contained.main(["stage.py", *stage_words(tmp_path, stage)])

    assert ("AWS_SECRET_ACCESS_KEY" in passed[0]) is is_told


def test_a_folder_that_charliecloud_cannot_name_is_the_recorded_reason_of_its_genome(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_image(tmp_path, "image", monkeypatch)
    add_engine(programs, "ch-run")
    monkeypatch.setattr(contained, "TEMPORARY", Path("/not/that/of/the/test"))
    (tmp_path / "run 12:30").mkdir()
    monkeypatch.chdir(tmp_path / "run 12:30")

    with pytest.raises(SystemExit):
        contained.main(["stage.py", *stage_words(tmp_path, "qc")])

    failure = read_failure(Path("results/failed"), "S1")
    assert f"Charliecloud cannot show a genome the folder {tmp_path}/run 12:30" in failure.message
    with pytest.raises(ConfigurationError, match="which has a colon in its name"):
        contained.check_image(is_engine_here=True)


def test_charliecloud_has_the_user_that_it_needs_where_no_variable_names_one() -> None:
    assert contained.environment_of({})["USER"] == str(os.getuid())
    assert contained.environment_of({"USER": "me"})["USER"] == "me"


def test_no_variable_names_a_temporary_folder_that_the_stage_does_not_see() -> None:
    assert "TMPDIR" not in contained.environment_of({"TMPDIR": "/local/job7", "HOME": "/home/me"})


def test_delivery_also_writes_to_the_results(programs: Path, tmp_path: Path) -> None:
    options = ('results="results"', 'receipt="results/receipts/S1.json"')

    mounts = contained.find_mounts("stage.py", stage_words(tmp_path, "publish", *options))

    assert Path.cwd() / "results" in mounts.writable


def test_apptainer_gets_folders_to_read_and_to_write(programs: Path) -> None:
    mounts = Mounts((Path("/a,b"),), (Path("/reads"),))

    line = contained.build_line("/bin/apptainer", "x.sif", ["true"], mounts)

    shown = [line[number + 1] for number, word in enumerate(line) if word == "--mount"]
    assert shown == [
        "type=bind,source=/tmp,target=/tmp",
        "type=bind,source=/reads,target=/reads,ro",
        'type=bind,"source=/a,b","target=/a,b"',
    ]
    assert line[line.index("--pwd") :][:3] == ["--pwd", str(Path.cwd()), "x.sif"]


@pytest.mark.parametrize(("text", "path"), [("PATH=/of/the/image\n", "/of/the/image"), ("", "")])
def test_apptainer_reads_the_variables_that_a_folder_has_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, path: str
) -> None:
    monkeypatch.setattr(contained, "VARIABLES_FILE", str(tmp_path / "environment"))
    if text:
        (tmp_path / "environment").write_text(text)

    line = contained.build_line("/bin/apptainer", "x", ["/usr/bin/env"], Mounts((), ()))

    _, *command = line[line.index("x") :]
    told = subprocess.run(command, env={"PATH": "/bin"}, capture_output=True, text=True, check=True)
    assert f"PATH={path or '/bin'}" in told.stdout.splitlines()


def test_charliecloud_gets_each_folder_once_and_nothing_of_the_shell(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_image(tmp_path, "image", monkeypatch)
    told = add_engine(programs, "ch-run")
    monkeypatch.setenv("PYTHONPATH", "/of/the/shell")
    mounts = Mounts((Path("/data/results/logs"),), (Path("/data/results"), Path("/tmp/x")))  # noqa: S108

    contained.check_image(is_engine_here=True)
    line = contained.build_line("/bin/ch-run", "image", ["true"], mounts)

    _, environment = json.loads(told.read_text())
    assert "PYTHONPATH" not in environment
    assert [line[n + 1] for n, word in enumerate(line) if word == "--bind"] == ["/data/results"]


# --- where Snakemake itself starts Apptainer ------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("ghcr.io/lab/bactofleet@sha256:00", "docker://ghcr.io/lab/bactofleet@sha256:00"),
        ("oras://ghcr.io/lab/bactofleet:1", "oras://ghcr.io/lab/bactofleet:1"),
        ("image.sif", "{here}/image.sif"),
        ("image", "{here}/image"),
    ],
)
def test_snakemake_gets_the_image_in_its_own_terms(
    programs: Path, monkeypatch: pytest.MonkeyPatch, image: str, name: str
) -> None:
    Path("image.sif").touch()
    Path("image").mkdir()
    monkeypatch.setenv("BACTOFLEET_IMAGE", image)

    assert contained.name_for_snakemake() == name.format(here=Path.cwd())


def test_snakemake_cannot_deploy_an_image_that_nobody_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BACTOFLEET_IMAGE", raising=False)

    with pytest.raises(ConfigurationError, match="set the variable BACTOFLEET_IMAGE"):
        contained.name_for_snakemake()


@pytest.mark.parametrize("image", ["my image.sif", "it's.sif", "image;id", "{input}.sif"])
def test_an_image_whose_name_snakemake_would_not_quote_is_refused(
    programs: Path, monkeypatch: pytest.MonkeyPatch, image: str
) -> None:
    Path(image).touch()
    monkeypatch.setenv("BACTOFLEET_IMAGE", image)

    with pytest.raises(ConfigurationError, match="name it without"):
        contained.name_for_snakemake()


def test_apptainer_shows_results_reads_and_what_the_user_binds(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind_sheet(tmp_path / "reads", monkeypatch)
    monkeypatch.setenv("APPTAINER_BIND", "/data")

    contained.bind_for_snakemake()

    own, *shown = os.environ["APPTAINER_BIND"].split(",")
    assert own == "/data"
    assert {str(Path.cwd()), str(tmp_path / "reads"), str(tmp_path / "out")} <= set(shown)
    assert (tmp_path / "out").is_dir()
    assert os.environ["BACTOFLEET_VERSION"] == __version__


def test_a_folder_that_apptainer_cannot_show_is_refused(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind_sheet(tmp_path / "a:b", monkeypatch)

    with pytest.raises(ConfigurationError, match="a:b: no : or , in its name"):
        contained.bind_for_snakemake()


def bind_sheet(reads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a configuration and a sheet, as Snakemake was started with them."""
    reads.mkdir()
    (reads / "S1.fna").touch()
    Path("config").mkdir()
    Path("config/config.yaml").write_text(f"results: {reads.parent}/out\n")
    Path("config/samples.tsv").write_text(f"sample\tassembly\nS1\t{reads}/S1.fna\n")
    monkeypatch.setattr(sys, "argv", ["snakemake"])
    for name in ("APPTAINER_BIND", "BACTOFLEET_VERSION"):
        monkeypatch.setenv(name, "")
