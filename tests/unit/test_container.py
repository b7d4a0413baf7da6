"""How the container is started: as whom, with which folders, with nothing it does not need."""

import json
import os
import sys
from pathlib import Path

import pytest

from bactofleet import __version__
from bactofleet.run import container
from bactofleet.run.container import Mounts, ask_image, build_command, find_mounts, make_folders

REPOSITORY = Path(__file__).parents[2]
SHEET_HEADER = "sample\taccession\tr1\tr2\tassembly\n"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working directory outside the repository, the current one."""
    directory = tmp_path / "work"
    (directory / "config").mkdir(parents=True)
    monkeypatch.chdir(directory)
    return directory


def write_sheet(directory: Path, *rows: str) -> None:
    (directory / "config/samples.tsv").write_text(SHEET_HEADER + "".join(f"{r}\n" for r in rows))


def make_file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def outputs(directory: Path) -> tuple[Path, ...]:
    """Return the folders that a container may write to by default."""
    return tuple(directory / name for name in (".snakemake", "results", "scratch"))


def just(directory: Path) -> Mounts:
    """Return the mounts of a directory in which nothing names another folder."""
    return Mounts(outputs(directory), tuple(sorted((REPOSITORY, directory))))


def test_only_results_scratch_and_snakemakes_folder_are_writable(directory: Path) -> None:
    assert find_mounts(["bash"], directory) == just(directory)


def test_what_runs_outside_the_container_later_cannot_be_written_in_the_repository() -> None:
    mounts = find_mounts(["bash"], REPOSITORY)

    assert mounts == Mounts(outputs(REPOSITORY), (REPOSITORY,))


def test_results_that_are_a_link_are_mounted_where_they_are(
    directory: Path, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    (directory / "results").symlink_to(tmp_path / "disk")

    mounts = find_mounts(["snakemake"], directory)

    assert tmp_path / "disk" in mounts.writable
    assert directory / "results" not in mounts.writable


def test_folders_of_reads_and_assemblies_are_read_only(directory: Path, tmp_path: Path) -> None:
    r1, r2 = make_file(tmp_path / "a/1.fq.gz"), make_file(tmp_path / "b/2.fq.gz")
    assembly = make_file(tmp_path / "c/x.fna")
    write_sheet(directory, f"s1\t\t{r1}\t{r2}\t", f"s2\t\t\t\t{assembly}")

    mounts = find_mounts(["snakemake"], directory)

    assert {r1.parent, r2.parent, assembly.parent} <= set(mounts.read_only)


def test_every_file_of_a_cell_with_several_is_looked_at(directory: Path, tmp_path: Path) -> None:
    runs = [make_file(tmp_path / "run1/1.fq.gz"), make_file(tmp_path / "run2/1.fq.gz")]
    write_sheet(directory, f"s1\t\t{runs[0]};{runs[1]}\t\t")

    mounts = find_mounts(["snakemake"], directory)

    assert {run.parent for run in runs} <= set(mounts.read_only)


def test_links_are_followed_to_where_the_reads_lie(directory: Path, tmp_path: Path) -> None:
    reads = make_file(tmp_path / "disk/reads.fq.gz")
    middle = tmp_path / "middle/link.fq.gz"
    middle.parent.mkdir()
    middle.symlink_to(reads)
    (directory / "link.fq.gz").symlink_to(middle)
    write_sheet(directory, "s1\t\tlink.fq.gz\t\t")

    mounts = find_mounts(["snakemake"], directory)

    assert {middle.parent, reads.parent} <= set(mounts.read_only)


def test_linked_folder_is_mounted_where_it_is_named_and_where_it_is(
    directory: Path, tmp_path: Path
) -> None:
    reads = make_file(tmp_path / "disk/reads.fq.gz")
    (tmp_path / "data").symlink_to(reads.parent)
    write_sheet(directory, f"s1\t\t{tmp_path}/data/reads.fq.gz\t\t")

    mounts = find_mounts(["snakemake"], directory)

    assert {tmp_path / "data", reads.parent} <= set(mounts.read_only)


def test_inputs_below_the_working_directory_need_no_mount(directory: Path) -> None:
    make_file(directory / "data/reads.fq.gz")
    write_sheet(directory, "s1\t\tdata/reads.fq.gz\t\t")

    mounts = find_mounts(["snakemake"], directory)

    assert mounts == just(directory)


def test_path_that_leaves_the_working_directory_is_mounted_by_its_real_name(
    directory: Path, tmp_path: Path
) -> None:
    reads = make_file(tmp_path / "beside/reads.fq.gz")
    write_sheet(directory, "s1\t\t../beside/reads.fq.gz\t\t")

    mounts = find_mounts(["snakemake"], directory)

    assert reads.parent in mounts.read_only


def test_file_directly_in_a_folder_of_the_image_is_mounted_by_itself(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = make_file(tmp_path / "opt/reads.fq.gz")
    monkeypatch.setattr(container, "IMAGE_FOLDERS", frozenset({str(reads.parent)}))
    write_sheet(directory, f"s1\t\t{reads}\t\t")

    mounts = find_mounts(["snakemake"], directory)

    assert reads in mounts.read_only
    assert reads.parent not in mounts.read_only


def test_thousands_of_folders_are_mounted_as_their_parents(directory: Path, tmp_path: Path) -> None:
    reads = [make_file(tmp_path / f"reads/{i}/r1.fq.gz") for i in range(1000)]
    write_sheet(directory, *(f"s{i}\t\t{path}\t\t" for i, path in enumerate(reads)))

    mounts = find_mounts(["snakemake"], directory)

    assert len(mounts.read_only) <= container.MAX_INPUT_MOUNTS
    assert all(any(read.is_relative_to(m) for m in mounts.read_only) for read in reads)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sample\n",
        "r1\tr1\tr1\n\t\t\t\t\n",
        "\ufeffsample\tr1\r\ns1\t/does/not/exist.fq\r\n",
        "sample\tr1\ns1\ts3://bucket/reads.fq.gz\n",
        "\x00\xff",
    ],
)
def test_what_is_wrong_with_a_sheet_is_left_to_the_workflow(directory: Path, text: str) -> None:
    (directory / "config/samples.tsv").write_text(text, newline="")

    mounts = find_mounts(["snakemake"], directory)

    assert mounts == just(directory)


def test_broken_configuration_is_left_to_the_workflow(directory: Path) -> None:
    (directory / "config/config.yaml").write_text("samples: [unclosed\n")

    mounts = find_mounts(["snakemake"], directory)

    assert mounts == just(directory)


def test_results_and_scratch_outside_are_writable(directory: Path, tmp_path: Path) -> None:
    (directory / "config/config.yaml").write_text(
        f"results: {tmp_path}/results\nscratch: {tmp_path}/scratch\n"
    )

    mounts = find_mounts(["snakemake"], directory)

    assert {tmp_path / "results", tmp_path / "scratch"} <= set(mounts.writable)


def test_results_on_s3_are_no_folder(directory: Path) -> None:
    (directory / "config/config.yaml").write_text("results: s3://bucket/results\n")

    mounts = find_mounts(["snakemake"], directory)

    assert mounts.writable == outputs(directory)


def test_command_line_overrides_configuration_files(directory: Path, tmp_path: Path) -> None:
    (directory / "config/config.yaml").write_text(f"results: {tmp_path}/first\n")
    (tmp_path / "other.yaml").write_text(f"results: {tmp_path}/second\nscratch: {tmp_path}/disk\n")
    options = ["--configfile", f"{tmp_path}/other.yaml", "--config", f"results={tmp_path}/third"]

    mounts = find_mounts(["snakemake", *options], directory)

    assert mounts.writable == (*(tmp_path / "disk", tmp_path / "third", directory / ".snakemake"),)
    assert tmp_path in mounts.read_only


def test_folder_of_references_for_species_is_read_only(directory: Path, tmp_path: Path) -> None:
    sketch = make_file(tmp_path / "species/refs.msh")

    mounts = find_mounts(["snakemake", "--config", f"species_references={sketch}"], directory)

    assert sketch.parent in mounts.read_only


def test_folder_of_mlst_schemes_is_read_only(directory: Path, tmp_path: Path) -> None:
    table = make_file(tmp_path / "schemes/saureus/saureus.txt")
    schemes = table.parent.parent

    mounts = find_mounts(["snakemake", "--config", f"mlst_schemes={schemes}"], directory)

    assert schemes in mounts.read_only


def test_what_lies_beside_a_folder_of_an_option_stays_hidden(
    directory: Path, tmp_path: Path
) -> None:
    """The folder around /usr/local/schemes would cover the image's own /usr/local."""
    table = make_file(tmp_path / "local/schemes/saureus/saureus.txt")
    schemes = table.parent.parent
    (link := tmp_path / "elsewhere" / "schemes").parent.mkdir()
    link.symlink_to(schemes)

    for given in (schemes, link):
        mounts = find_mounts(["snakemake", "--config", f"mlst_schemes={given}"], directory)

        assert {given, schemes} <= set(mounts.read_only)
        assert not {given.parent, schemes.parent} & set(mounts.read_only)


def test_folder_of_the_proteins_is_read_only(directory: Path, tmp_path: Path) -> None:
    proteins = make_file(tmp_path / "trusted/proteins.faa")

    mounts = find_mounts(["snakemake", "--config", f"proteins={proteins}"], directory)

    assert proteins.parent in mounts.read_only


def test_options_of_other_commands_are_not_the_workflows(directory: Path, tmp_path: Path) -> None:
    mounts = find_mounts(["bash", "-C", f"results={tmp_path}/results"], directory)

    assert mounts.writable == outputs(directory)


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    file = make_file(tmp_path / "file")

    with pytest.raises(SystemExit, match=f"{file}/results.*name a folder"):
        make_folders([file / "results"])


def test_command_runs_as_the_caller_without_privileges(directory: Path) -> None:
    line = build_command("docker", "image", ["true"], Mounts((directory,), ()), {})

    assert f"--user {os.getuid()}:{os.getgid()}" in " ".join(line)
    assert "--cap-drop ALL --security-opt no-new-privileges --read-only" in " ".join(line)
    assert "--privileged" not in line
    assert line[-2:] == ["image", "true"]


def test_a_command_of_the_user_has_the_terminal(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "find_engine", lambda: "podman")
    monkeypatch.setattr(container, "ask_image", lambda _, image: {"name": image, "id": "x"})
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    lines: list[list[str]] = []
    monkeypatch.setattr(os, "execvpe", lambda _, line, __: lines.append(line))

    container.run_command(["bash"], "image")

    assert "--tty" in lines[0]


def test_paths_with_spaces_commas_and_quotes_are_mounted(directory: Path) -> None:
    folder = Path('/data/a b, "c"')

    line = build_command("docker", "image", ["true"], Mounts((directory,), (folder,)), {})

    quoted = '/data/a b, ""c""'
    assert f'type=bind,"source={quoted}","target={quoted}",readonly' in line


def test_credentials_are_in_no_variable_and_no_word_of_the_command(directory: Path) -> None:
    secrets = dict.fromkeys(container.SECRET_VARIABLES, "hidden")
    environment = secrets | {"AWS_REGION": "eu-west-1", "AWS_PROFILE": "me", "HOME": "/root"}

    words = " ".join(
        build_command("docker", "image", ["true"], just(directory), environment, Path("/run/x"))
    )

    assert "--env AWS_REGION" in words
    assert "source=/run/x,target=/run/bactofleet/credentials,readonly" in words
    assert "--env AWS_SHARED_CREDENTIALS_FILE=/run/bactofleet/credentials" in words
    assert not [name for name in ("hidden", *secrets, "AWS_PROFILE", "HOME") if name in words]


def test_credentials_reach_the_container_by_a_file_that_goes_when_it_ends(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_file(tmp_path / "bin/docker")
    engine.write_text(
        f"#!{sys.executable}\n"
        "import csv, json, os, sys\n"
        "if 'run' not in sys.argv: sys.exit('network' not in sys.argv and print('sha256:ab'))\n"
        "mounts = [w for w in sys.argv if 'target=/run/bactofleet/credentials' in w]\n"
        "path = next(csv.reader(mounts))[1].removeprefix('source=')\n"
        "told = [path, os.stat(path).st_mode & 0o777, open(path).read()]\n"
        "json.dump(told, open('told', 'w'))\n"
    )
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", str(engine.parent))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)

    # The pipe ends when the last process that the container has started is gone.
    ended, alive = os.pipe()
    os.set_inheritable(alive, True)
    os.waitpid(_fork_main(["--", "true"]), 0)
    os.close(alive)
    os.read(ended, 1)

    path, mode, text = json.loads((directory / "told").read_text())
    assert mode == 0o600
    assert text == "[default]\naws_access_key_id = AKIA\naws_secret_access_key = hidden\n"
    assert not Path(path).parent.exists()


def network_of(engine: str, environment: dict[str, str], directory: Path) -> list[str]:
    line = build_command(engine, "image", ["true"], just(directory), environment)
    return line[line.index("--network") + 1 :][:1] if "--network" in line else []


def test_the_container_has_a_network_of_its_own_where_there_is_one(
    directory: Path, tmp_path: Path
) -> None:
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    bridged = answering_engine(tmp_path / "with", "[]")
    bridgeless = answering_engine(tmp_path / "without", "no such network", status=1)

    assert network_of(bridged, {}, directory) == []
    assert network_of(bridgeless, {}, directory) == ["host"]


@pytest.mark.parametrize(
    ("variable", "value", "network"),
    [
        ("HTTPS_PROXY", "http://127.0.0.1:3128", ["host"]),
        ("HTTPS_PROXY", "http://me:password@localhost:3128", ["host"]),
        ("AWS_ENDPOINT_URL_S3", "http://[::1]:5000", ["host"]),
        ("BACTOFLEET_ENA_URL", "https://localhost", ["host"]),
        ("BACTOFLEET_ENA_URL", "https://localhost.example.org/127.0.0.1", []),
        ("no_proxy", "localhost,127.0.0.1", []),
    ],
)
def test_what_listens_on_the_loopback_is_reached_by_the_machines_network(
    directory: Path, tmp_path: Path, variable: str, value: str, network: list[str]
) -> None:
    engine = answering_engine(tmp_path, "[]")

    assert network_of(engine, {variable: value}, directory) == network


@pytest.mark.parametrize(
    "name", ["BACTOFLEET_ENA_URL", "HTTPS_PROXY", "no_proxy", "REQUESTS_CA_BUNDLE", "NCBI_SETTINGS"]
)
def test_how_the_archives_are_reached_is_passed_too(directory: Path, name: str) -> None:
    line = build_command("docker", "image", ["true"], Mounts((directory,), ()), {name: "value"})

    assert f"--env {name}" in " ".join(line)


def test_certificates_that_the_environment_names_are_mounted(
    directory: Path, tmp_path: Path
) -> None:
    authority = tmp_path / "elsewhere" / "authority.pem"
    authority.parent.mkdir()
    authority.touch()

    mounts = find_mounts(["bash"], directory, {"REQUESTS_CA_BUNDLE": str(authority)})

    assert authority.parent in mounts.read_only


def test_temporary_folder_as_working_directory_takes_the_place_of_the_volume() -> None:
    temporary = container.TEMPORARY

    line = build_command("docker", "image", ["true"], Mounts((temporary,), ()), {})

    assert "--volume" not in line


def test_missing_engine_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(SystemExit, match="neither docker nor podman"):
        container.find_engine()


def test_podman_is_used_where_docker_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_file(tmp_path / "podman").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert container.find_engine() == "podman"


@pytest.mark.parametrize(("status", "chosen"), [(0, "docker"), (1, "podman")])
def test_podman_is_used_where_docker_is_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, chosen: str
) -> None:
    for name in ("docker", "podman"):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {status}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert container.find_engine() == chosen


def test_who_has_the_image_in_a_docker_that_is_down_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("docker", "podman"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SystemExit, match="Docker does not answer; for Podman the image bactofl"):
        container.run_command(["true"], container.IMAGE)


@pytest.mark.parametrize("engine", ["podman", "/usr/bin/podman"])
def test_podman_without_root_keeps_the_user(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)

    assert "keep-id" in build_command(engine, "image", ["true"], Mounts((), ()), {})


def answering_engine(folder: Path, answer: str, status: int = 0) -> str:
    """Return an engine that answers so to whatever it is asked."""
    engine = make_file(folder / "bin/engine")
    engine.write_text(f"#!{sys.executable}\nimport sys; print({answer!r}); sys.exit({status})\n")
    engine.chmod(0o755)
    return str(engine)


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ("sha256:ab ", {"id": "sha256:ab"}),
        ("ab r.io/x@sha256:cd r.io/y@sha256:cd", {"id": "sha256:ab", "digest": "r.io/x@sha256:cd"}),
    ],
)
def test_the_engine_tells_id_and_digest_of_the_image(
    tmp_path: Path, answer: str, known: dict[str, str]
) -> None:
    assert ask_image(answering_engine(tmp_path, answer), "x:1") == {"name": "x:1"} | known


def test_an_image_that_is_still_to_be_pulled_has_a_name_alone(tmp_path: Path) -> None:
    assert ask_image(answering_engine(tmp_path, "", status=1), "x:1") == {"name": "x:1"}


def test_the_container_knows_its_image_and_no_other(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_file(tmp_path / "bin/docker")
    engine.write_text(
        f"#!{sys.executable}\n"
        "import json, os, sys\n"
        "if 'inspect' in sys.argv:\n"
        "    print('sha256:ab')\n"
        "else:\n"
        "    json.dump([dict(os.environ), sys.argv], open('told', 'w'))\n"
    )
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", str(engine.parent))
    monkeypatch.setenv("BACTOFLEET_IMAGE_DIGEST", "of@another")

    os.waitpid(_fork_main(["--image", "x:1", "--", "true"]), 0)

    environment, arguments = json.loads((directory / "told").read_text())
    told = {name: text for name, text in environment.items() if name.startswith("BACTOFLEET_")}
    assert told == {
        "BACTOFLEET_IMAGE": "x:1",
        "BACTOFLEET_IMAGE_ID": "sha256:ab",
        "BACTOFLEET_VERSION": __version__,
    }
    assert set(told) < set(arguments)


def test_the_process_becomes_the_engine_so_that_status_and_signals_are_its_own(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = tmp_path / "bin/docker"
    make_file(engine).write_text(f"#!{sys.executable}\nimport sys; sys.exit(41)\n")
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", str(engine.parent))

    status = os.waitpid(_fork_main(["--image", "x:1", "--", "true"]), 0)[1]

    assert os.waitstatus_to_exitcode(status) == 41


def _fork_main(arguments: list[str]) -> int:
    child = os.fork()
    if child == 0:
        container.main(arguments)
    return child
