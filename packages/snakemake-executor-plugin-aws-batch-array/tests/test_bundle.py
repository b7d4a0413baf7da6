"""What travels to the jobs, and which part of it decides whether a result is still asked for."""

import io
import os
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.sourcecache import LocalSourceFile
from snakemake_interface_common.exceptions import WorkflowError

from snakemake_executor_plugin_aws_batch_array.bundle import RUN_FILE, Bundle, build_bundle
from snakemake_executor_plugin_aws_batch_array.names import NAMES_FILE

FILES = {
    "Snakefile": "rule all:",
    "workflow/script.py": "print()",
    "workflow/rules/table.tsv": "a table that a rule reads",
    "config/config.yaml": "samples: config/samples.tsv\ncutoff: 5\n",
    "config/samples.tsv": "alpha",
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with a workflow, its configuration and a sample sheet."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    for name, content in FILES.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content)


def build(
    *tracked: str,
    arguments: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    given: dict[str, object] | None = None,
    **config: object,
) -> Bundle:
    """Pack the project; git tracks some more of its files, `given` is of the command line."""
    workflow = SimpleNamespace(
        dag=SimpleNamespace(
            get_sources=lambda: {"Snakefile", "config/config.yaml", *tracked},
            needrun_jobs=lambda: [],
        ),
        included=[LocalSourceFile(str(Path("Snakefile").absolute()))],
        configfiles=[str(Path("config/config.yaml").absolute())],
        config={"samples": "config/samples.tsv", **config},
        config_settings=SimpleNamespace(config=config, overwrite_config=given or {}),
        resource_settings=SimpleNamespace(overwrite_scatter={}),
        workflow_settings=SimpleNamespace(wrapper_prefix=None),
        deployment_settings=SimpleNamespace(deployment_method=set()),
        sourcecache=SimpleNamespace(runtime_cache_path="cache"),
    )
    return build_bundle(workflow, list(arguments), environment or {})


def test_the_bundle_holds_sources_and_what_the_configuration_names() -> None:
    Path("proteins.faa").write_text(">p")

    bundle = build(options=[{"proteins": "proteins.faa", "missing": "no.such"}])

    with tarfile.open(fileobj=io.BytesIO(bundle.content)) as archive:
        names = set(archive.getnames())
    assert names == {RUN_FILE, *bundle.members}
    assert bundle.members.keys() == {*FILES, "proteins.faa"}


@pytest.mark.parametrize("tracked", [(), ("config/samples.tsv",)])
def test_a_longer_sheet_is_no_other_workflow_even_if_git_tracks_it(tracked: tuple[str]) -> None:
    before = build(*tracked)

    Path("config/samples.tsv").write_text("more")

    after = build(*tracked)
    assert after.code_digest == before.code_digest
    assert after.content != before.content


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("Snakefile", "rule other:"),
        ("workflow/script.py", "changed"),
        ("workflow/rules/table.tsv", "changed"),
        ("helpers.py", "changed"),
        ("config/config.yaml", "samples: config/samples.tsv\ncutoff: 6\n"),
    ],
)
def test_a_changed_source_or_configuration_is_another_workflow(path: str, content: str) -> None:
    Path("helpers.py").write_text("")
    before = build("helpers.py")

    Path(path).write_text(content)

    assert build("helpers.py").code_digest != before.code_digest


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("README.md", "a note"),
        ("workflow/README.md", "a note"),
        ("notes.txt", "a note"),
        ("config/config.yaml", "# a comment\ncutoff: 5\nsamples: config/samples.tsv\n"),
        ("profiles/aws/config.yaml", "retries: 3"),
    ],
)
def test_what_no_rule_reads_makes_no_other_workflow(path: str, content: str) -> None:
    before = build()

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content)

    after = build(path)
    assert after.code_digest == before.code_digest
    assert after.digest == before.digest


def test_options_about_display_and_the_order_of_a_set_make_no_other_workflow() -> None:
    one = build(arguments=("--rerun-triggers", "code", "mtime"))
    other = build(arguments=("--rerun-triggers", "mtime", "code", "--verbose"))

    assert one.code_digest == other.code_digest


def test_configuration_of_the_command_line_makes_another_workflow() -> None:
    assert build(given={"x": 1}).code_digest != build(given={"x": 2}).code_digest


def test_the_value_of_a_token_makes_no_other_workflow_but_travels() -> None:
    one, other = (build(environment={"TOKEN": value}) for value in ("a", "b"))

    assert one.code_digest == other.code_digest
    assert one.content != other.content


def test_files_outside_the_working_directory_that_the_configuration_names_stay_there() -> None:
    outside = Path("../outside.txt")
    outside.write_text("secret")

    bundle = build(a=str(outside), b=str(outside.resolve()))

    assert not any("outside" in name for name in bundle.members)


def test_a_source_outside_the_working_directory_is_refused() -> None:
    with pytest.raises(WorkflowError, match=r"'\.\./rules\.smk' is outside the working directory"):
        build("../rules.smk")


def test_large_files_that_git_happens_to_track_are_left_out() -> None:
    Path("large.bin").write_bytes(bytes(10_000_001))

    assert "large.bin" not in build("large.bin").members


@pytest.mark.parametrize(
    "path",
    [
        *("workflow/.env", "workflow/.env.local", "workflow/scripts/.netrc", "workflow/key.pem"),
        *("workflow/.aws/credentials", "workflow/ID_RSA", ".env"),
    ],
)
@pytest.mark.parametrize("tracked", [True, False])
def test_a_file_of_secrets_never_travels_and_is_named(path: str, tracked: bool) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("AWS_SECRET_ACCESS_KEY=planted")

    bundle = build(path, file=path) if tracked else build(file=path)

    assert bundle.withheld == (path,)
    with tarfile.open(fileobj=io.BytesIO(bundle.content)) as archive:
        assert path not in archive.getnames()


def test_a_file_of_secrets_does_not_travel_by_a_link_either() -> None:
    Path("../.env").write_text("TOKEN=planted")
    Path("workflow/settings").symlink_to(Path("../.env").resolve())

    assert build().withheld == ("workflow/settings",)


def test_a_link_is_packed_as_the_file_that_it_names() -> None:
    """No container has what is behind a link of this machine."""
    sheet, shared = Path("config/samples.tsv"), Path("../elsewhere.tsv").resolve()
    sheet.rename(shared)
    sheet.symlink_to(shared)

    bundle = build()

    with tarfile.open(fileobj=io.BytesIO(bundle.content)) as archive:
        member = archive.getmember("config/samples.tsv")
        content = archive.extractfile(member)
        assert member.isreg()
        assert content is not None
        assert content.read() == b"alpha"


def test_a_link_to_a_folder_is_packed_as_the_files_that_are_in_it() -> None:
    scripts = Path("../scripts").resolve()
    scripts.mkdir()
    (scripts / "clean.py").write_text("clean")
    (scripts / "itself").symlink_to(scripts)
    Path("workflow/scripts").symlink_to(scripts)

    bundle = build()

    with tarfile.open(fileobj=io.BytesIO(bundle.content)) as archive:
        assert archive.getmember("workflow/scripts/clean.py").isreg()


def test_an_installed_workflow_is_packed_through_the_link_to_it() -> None:
    members = build().members
    installed = Path("../installed").resolve()
    Path("workflow").rename(installed)
    Path("workflow").symlink_to(installed)

    bundle = build()

    assert bundle.members == members
    with tarfile.open(fileobj=io.BytesIO(bundle.content)) as archive:
        assert all(member.isreg() for member in archive)


def test_the_bundle_holds_what_the_workflow_has_read_as_a_source() -> None:
    Path("rules").mkdir()
    Path("rules/header.txt").write_text("header")
    cached = Path(f"cache/file{Path.cwd()}/rules/header.txt")
    cached.parent.mkdir(parents=True)
    cached.write_text("header")

    assert "rules/header.txt" in build().members


def test_a_member_that_was_made_anew_must_be_sent() -> None:
    bundle = build()
    assert bundle.get_missing(["config/samples.tsv"]) == []

    os.utime("config/samples.tsv", ns=(1, 1))

    assert bundle.get_missing(["config/samples.tsv"]) == ["config/samples.tsv"]


def test_names_of_files_travel_only_where_a_source_asks_for_them() -> None:
    def get_names() -> list[str]:
        with tarfile.open(fileobj=io.BytesIO(build().content)) as archive:
            return archive.getnames()

    assert NAMES_FILE not in get_names()
    Path("workflow/script.py").write_text("glob_wildcards('data/{x}.txt')")
    assert NAMES_FILE in get_names()


def test_without_git_the_bundle_holds_what_snakemake_knows_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_git = build()
    monkeypatch.setenv("PATH", "")

    assert build().members.keys() == with_git.members.keys()
    assert build().code_digest == with_git.code_digest
