"""The three distributions: what `make dist` builds has what it should, and nothing else."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from support.distributions import REPOSITORY, build

from bactofleet import __version__

PLUGINS = sorted((REPOSITORY / "packages").iterdir())
FOLDERS = [REPOSITORY, *PLUGINS]


@pytest.fixture(scope="module", params=FOLDERS, ids=lambda folder: folder.name)
def source(request: pytest.FixtureRequest) -> Path:
    """Return the folder of a distribution."""
    folder: Path = request.param
    return folder


@pytest.fixture(scope="module")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return its wheel and its source distribution."""
    return build(source, tmp_path_factory.mktemp("dist"))


def names_in(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata_of(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_the_wheel_has_all_of_the_package_and_nothing_beside_it(
    source: Path, built: tuple[Path, Path]
) -> None:
    packages = (path for path in (source / "src").iterdir() if (path / "__init__.py").exists())
    files = [
        path
        for package in packages
        for path in package.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    ]

    names = {n for n in names_in(built[0]) if ".dist-info/" not in n and "/project/" not in n}

    assert names == {str(path.relative_to(source / "src")) for path in files}


def test_the_source_distribution_makes_the_same_wheel(
    built: tuple[Path, Path], tmp_path: Path
) -> None:
    wheel, sources = built
    with tarfile.open(sources) as archive:
        archive.extractall(tmp_path, filter="data")

    again, _ = build(next(tmp_path.iterdir()), tmp_path / "dist")

    assert names_in(again) == names_in(wheel)


def test_settings_of_an_account_are_in_no_distribution(tmp_path: Path) -> None:
    with tarfile.open(build(REPOSITORY, tmp_path / "before")[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.glob("bactofleet-*")
    (folder / "profiles/aws/account.yaml").write_text("bucket: mine\n")
    (folder / ".gitignore").unlink()

    wheel, sources = build(folder, tmp_path / "after")

    with tarfile.open(sources) as archive:
        names = names_in(wheel) | set(archive.getnames())
    assert any(name.endswith("profiles/aws/config.yaml") for name in names)
    assert not [name for name in names if name.endswith("account.yaml")]


def test_the_index_shows_its_description_and_where_it_comes_from(
    built: tuple[Path, Path],
) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, built)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    metadata = metadata_of(built[0])

    assert checked.returncode == 0, checked.stdout
    urls = dict(url.split(", ", 1) for url in metadata.get_all("Project-URL", []))
    assert {"Repository", "Documentation", "Changelog"} <= urls.keys()
    assert metadata["License-Expression"] == "MIT"


def test_a_wheel_has_the_version_of_the_newest_section_of_its_changelog(
    source: Path, built: tuple[Path, Path]
) -> None:
    changelog = (source / "CHANGELOG.md").read_text(encoding="utf-8")

    newest = re.search(r"^## (\S+)", changelog, re.MULTILINE)

    assert newest is not None
    assert metadata_of(built[0])["Version"] == newest[1]


def test_the_package_is_cited_and_names_itself_with_its_version() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))

    assert project["version"] == citation["version"] == __version__


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_brings_the_pages_of_the_plugin_catalog_and_needs_no_bactofleet(
    plugin: Path,
) -> None:
    # https://github.com/snakemake/snakemake-plugin-catalog: it shows these two pages.
    for page in ("docs/intro.md", "docs/further.md", "README.md", "LICENSE", "CHANGELOG.md"):
        assert (plugin / page).read_text(encoding="utf-8").strip()
    project = tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert not [name for name in project["dependencies"] if name.startswith("bactofleet")]


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda folder: folder.name)
def test_the_tests_of_a_plugin_come_with_it_and_use_nothing_of_this_repository(
    plugin: Path, tmp_path: Path
) -> None:
    _, sources = build(plugin, tmp_path / "dist")
    with tarfile.open(sources) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.glob("snakemake_*")
    # Python reads it at its start; a module that is None cannot be imported.
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['bactofleet'] = None")

    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert collected.returncode == 0, collected.stdout
    modules = (path.read_text(encoding="utf-8") for path in (folder / "tests").glob("*.py"))
    assert not [text for text in modules if "__file__).parents[" in text]
