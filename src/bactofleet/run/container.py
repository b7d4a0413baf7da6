"""Run a command in the image, as the calling user.

`python -m bactofleet.run.container -- command...`

The working directory, the repository and every folder that the configuration or the sample sheet
names are mounted at their own paths, so that a path means the same inside and outside. Only
results, scratch and Snakemake's own folder can be written: anything else might run outside the
container later. The command's exit status and its signals are the engine's own: this process
becomes it.
"""

# Paths are text because a sheet may have 134,000 of them, for which `Path` takes seconds.
# ruff: noqa: PTH110, PTH112, PTH114, PTH115, PTH118, PTH120

from __future__ import annotations

import argparse
import csv
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from bactofleet import __version__
from bactofleet.core.confine import SECRET_VARIABLES
from bactofleet.core.image import (
    CALLER_VERSION,
    IMAGE,
    IMAGE_MISSING,
    VARIABLES,
    Image,
    to_variables,
)
from bactofleet.core.project import WORKFLOW
from bactofleet.core.references import REFERENCES
from bactofleet.core.samples import files_in

DEFAULT_CONFIGURATION = Path("config/config.yaml")
DEFAULT_SHEET = Path("config/samples.tsv")

ENGINES = ("docker", "podman")
# Options that name a folder for output, and their defaults; results on S3 have that folder too.
OUTPUTS = {"results": "results", "scratch": "scratch"}
SNAKEMAKE_FOLDER = ".snakemake"

# Variables passed on to the container: how to reach AWS and the archives (docs/download.md).
PASSED_PREFIXES = ("AWS_ENDPOINT_URL", "BACTOFLEET_")
AWS_VARIABLES = (
    *("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EC2_METADATA_DISABLED"),
    *("AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"),
    *("AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION"),
)
# SECRET_VARIABLES reach it by a file, as `docker inspect` and every tool can read variables.
CREDENTIALS_FILE = "/run/bactofleet/credentials"
PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
FILE_VARIABLES = ("AWS_CA_BUNDLE", "NCBI_SETTINGS", "REQUESTS_CA_BUNDLE")

LOOPBACK = re.compile(r"(^|//|@)(localhost|127(\.\d+){3}|\[::1\])([:/]|$)", re.IGNORECASE)

TEMPORARY = Path("/tmp")  # noqa: S108  # the image's, a volume of the container
# Mounting these would hide the image's own folders: a file directly in one is mounted alone.
IMAGE_FOLDERS = frozenset(
    ("/", "/dev", "/etc", "/opt", "/proc", "/sys", "/tmp", "/usr")  # noqa: S108
    + ("/usr/local", "/usr/share", "/var")
)
# An engine starts slowly with thousands of mounts, and Linux limits a command line to 2 MB
# (https://man7.org/linux/man-pages/man2/execve.2.html): above this number, parent folders are
# mounted.
MAX_INPUT_MOUNTS = 64
MAX_LINKS = 40  # as many as the kernel follows (path_resolution(7))


@dataclass(frozen=True)
class Mounts:
    """Folders and files of this machine that the container sees, each at its own path."""

    writable: tuple[Path, ...]
    read_only: tuple[Path, ...]


def main(arguments: Sequence[str] | None = None) -> None:
    """Become the container that runs the command; returns only if there is no engine."""
    parser = argparse.ArgumentParser(prog="python -m bactofleet.run.container", description=__doc__)
    parser.add_argument("--image", help=f"image to run (default: BACTOFLEET_IMAGE, or {IMAGE})")
    parser.add_argument("command", nargs="+", help="the command, after --")
    given = parser.parse_args(arguments)
    run_command(given.command, given.image or os.environ.get(VARIABLES["name"]) or IMAGE)


def run_command(command: Sequence[str], image: str) -> None:
    """Become the container that runs the command; ends the program if it cannot be started."""
    engine = find_engine()
    description = ask_image(engine, image)
    if image == IMAGE and "id" not in description:
        is_down = engine != ENGINES[0] and shutil.which(ENGINES[0])
        where = "Docker does not answer; for Podman " if is_down else ""
        # No registry has an image of this name that is ours.
        sys.exit(f"error: {where}{IMAGE_MISSING}")
    mounts = find_mounts(command, Path.cwd(), os.environ)
    become(engine, description, command, mounts, _terminal_options())


def become(
    engine: str,
    image: Image,
    command: Sequence[str],
    mounts: Mounts,
    more_options: Sequence[str] = (),
) -> NoReturn:
    """Become the container of Docker or Podman that runs the command."""
    make_folders(mounts.writable)
    # Of another container, where this runs in one.
    inherited = {
        name: value for name, value in os.environ.items() if name not in VARIABLES.values()
    }
    environment = inherited | to_variables(image) | {CALLER_VERSION: __version__}
    secrets = {name: os.environ[name] for name in SECRET_VARIABLES if os.environ.get(name)}
    credentials = lend(secrets) if secrets else None
    line = build_command(
        engine, image["name"], command, mounts, environment, credentials, more_options
    )
    os.execvpe(engine, line, environment)  # noqa: S606  # a list, through no shell


def find_engine() -> str:
    """Return the container engine of this machine; ends the program if there is none."""
    engine = choose_engine()
    if engine is None:
        sys.exit("error: neither docker nor podman is on PATH: install one of them")
    return engine


def choose_engine() -> str | None:
    """Return Docker or Podman, whichever this user may use; None without either.

    Docker may be here for others, or its daemon may be down. It is not asked where there is no
    choice.
    """
    here = [*filter(shutil.which, ENGINES)]
    return next(filter(_answers, here[:-1]), here[-1] if here else None)


def _answers(engine: str) -> bool:
    asked = subprocess.run([engine, "version"], capture_output=True, check=False)
    return asked.returncode == 0


def ask_image(engine: str, image: str) -> Image:
    """Return what the engine knows about an image; only its name if it is not pulled yet."""
    form = "{{.Id}} {{range .RepoDigests}}{{.}} {{end}}"
    command = [engine, "image", "inspect", "--format", form, image]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        return {"name": image}
    identity, *digests = answer.stdout.split()
    # Podman leaves out the name of the checksum.
    identity = f"sha256:{identity.removeprefix('sha256:')}"
    return {"name": image, "id": identity} | ({"digest": digests[0]} if digests else {})


def lend(secrets: Mapping[str, str]) -> Path:
    """Write credentials to a file that is removed when this process ends, however it ends.

    Another process removes it, because this one becomes the engine.
    """
    path = Path(tempfile.mkdtemp(prefix="bactofleet-"), "credentials")
    lines = [f"{name.lower()} = {value}\n" for name, value in secrets.items()]
    path.touch(mode=0o600)
    path.write_text("".join(["[default]\n", *lines]), encoding="utf-8")
    ended, alive = os.pipe()
    os.set_inheritable(alive, True)
    if os.fork() == 0:
        os.close(alive)
        _remove_at_end(path.parent, ended)
    os.close(ended)
    return path


def _remove_at_end(folder: Path, ended: int) -> NoReturn:
    """Remove a folder when no process holds the other end of this pipe any longer."""
    try:
        os.setsid()  # Ctrl-C is for the engine
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.read(ended, 1)
        shutil.rmtree(folder)
    finally:
        os._exit(0)


def build_command(
    engine: str,
    image: str,
    command: Sequence[str],
    mounts: Mounts,
    environment: Mapping[str, str],
    credentials: Path | None = None,
    more_options: Sequence[str] = (),
) -> list[str]:
    """Return the engine's command line that runs `command` in `image`."""
    return [
        *(engine, "run", "--rm", "--init"),
        *_user_options(engine),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only"),
        *_network_options(engine, environment),
        *more_options,
        *_environment_options(environment),
        *_credentials_options(credentials),
        *_mount_options(mounts),
        *("--workdir", str(Path.cwd()), image, *command),
    ]


def find_mounts(
    command: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None
) -> Mounts:
    """Find the folders that a command started in `directory` needs to see.

    Reads the configuration named in the command and the sample sheet named in the configuration.
    Both are checked inside the container, so what cannot be read here is skipped. `environment` may
    name certificates and settings.
    """
    configuration, named_files = read_configuration(command, directory)
    writable = set(_iter_output_mounts(configuration, directory))
    sheet = directory / str(configuration.get("samples") or DEFAULT_SHEET)
    named = [
        *local_paths(configuration, REFERENCES),
        *local_paths(environment or {}, FILE_VARIABLES),
        *iter_inputs(sheet),
    ]
    workflow = WORKFLOW.resolve()
    # With what lies beside the rules: profiles, or the package's modules.
    beside = workflow if str(workflow.parent) in IMAGE_FOLDERS else workflow.parent
    inputs: list[Path | str] = [beside, *named_files, sheet]
    inputs += [os.path.join(directory, name) for name in named]
    return join_mounts(writable, inputs, directory)


def join_mounts(writable: set[Path], inputs: Iterable[Path | str], directory: Path) -> Mounts:
    """Return the mounts of a directory, of folders to write to, and of files to read."""
    seen = {directory, *_iter_input_mounts(inputs)}
    seen = {path for path in seen if not _is_below(path, writable)}
    return Mounts(tuple(sorted(without_nested(writable))), tuple(sorted(_join_folders(seen))))


def _iter_output_mounts(configuration: Mapping[str, Any], directory: Path) -> Iterator[Path]:
    """Yield the folders to write to."""
    # Everything in a folder of the image, such as /tmp, is written to.
    if str(directory) in IMAGE_FOLDERS:
        yield directory
    named = [str(configuration.get(option) or default) for option, default in OUTPUTS.items()]
    folders = [
        default if "://" in name else name
        for name, default in zip(named, OUTPUTS.values(), strict=True)
    ]
    for name in (SNAKEMAKE_FOLDER, *folders):
        yield from iter_folder(directory / name, directory)


def iter_folder(folder: Path, directory: Path) -> Iterator[Path]:
    """Yield what to mount so that a folder can be written to by its path.

    A link in the working directory is seen there; only its target is mounted.
    """
    target = folder.resolve()
    is_link_here = folder != target and folder.is_relative_to(directory)
    yield from [target] if is_link_here else _iter_names(folder)


def read_configuration(
    command: Sequence[str], directory: Path
) -> tuple[dict[str, Any], list[Path]]:
    """Return the workflow's options as Snakemake will see them, and their files."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", type=Path, default=[])
    parser.add_argument("--config", "-C", nargs="+", default=[])
    is_snakemake = Path(command[0]).name == "snakemake"
    given, _ = parser.parse_known_args(command[1:] if is_snakemake else [])
    files = [directory / path for path in (DEFAULT_CONFIGURATION, *given.configfile)]
    configuration: dict[str, Any] = {}
    for path in files:
        configuration |= _read_yaml(path)
    pairs = (pair.split("=", 1) for pair in given.config if "=" in pair)
    configuration |= {name: _read_value(value) for name, value in pairs}
    return configuration, files


def _read_value(text: str) -> Any:
    """Read an option of the command line as Snakemake does: as YAML if possible, else as text."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def iter_inputs(sheet: Path) -> Iterator[str]:
    """Yield the local files named in a sample sheet."""
    try:
        text = sheet.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return
    lines = [line.rstrip("\r") for line in text.split("\n") if line and line[0] != "#"]
    header = lines[0].split("\t") if lines else []
    for line in lines[1:]:
        cells = dict(zip(header, line.split("\t"), strict=False))
        yield from (name for name in files_in(cells) if "://" not in name)


def _user_options(engine: str) -> list[str]:
    """Run as the caller, who will own the results."""
    options = ["--user", f"{os.getuid()}:{os.getgid()}"]
    if os.getuid() == 0:
        # Without it, root cannot write into the folders of others as it can outside.
        return [*options, "--cap-add", "DAC_OVERRIDE"]
    # Rootless Podman maps the caller to root unless told to keep the id.
    return [*options, "--userns", "keep-id"] if Path(engine).name == "podman" else options


def _terminal_options() -> list[str]:
    """Give the terminal to the container, which is the only one then."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return ["--interactive", "--tty"] if is_terminal else []


def _network_options(engine: str, environment: Mapping[str, str]) -> list[str]:
    """Give the container a network of its own, if there is one that leads where it must go.

    A Docker daemon may have no bridge (CI, sandboxes), and a proxy or an emulated AWS may listen on
    the loopback of this machine.
    """
    passed = passed_variables(environment) - {"NO_PROXY", "no_proxy"}
    if any(LOOPBACK.search(environment[name]) for name in passed) or not _has_network(engine):
        return ["--network", "host"]
    return []


def _has_network(engine: str) -> bool:
    if Path(engine).name == "podman":
        return True
    command = [engine, "network", "inspect", "bridge"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def passed_variables(environment: Mapping[str, str]) -> set[str]:
    """Return the names of the variables that the container gets."""
    names = {name for name in environment if name.startswith(PASSED_PREFIXES)}
    return names | environment.keys() & {*AWS_VARIABLES, *PROXY_VARIABLES, *FILE_VARIABLES}


def _environment_options(environment: Mapping[str, str]) -> list[str]:
    """Pass settings by name, because values may be secrets and command lines are public."""
    return [option for name in sorted(passed_variables(environment)) for option in ("--env", name)]


def _credentials_options(credentials: Path | None) -> list[str]:
    if credentials is None:
        return []
    return [
        *("--mount", mount(credentials, "readonly", target=CREDENTIALS_FILE)),
        *("--env", f"AWS_SHARED_CREDENTIALS_FILE={CREDENTIALS_FILE}"),
    ]


def _mount_options(mounts: Mounts) -> list[str]:
    # Temporary files go to a volume on disk: a tmpfs would hold them in memory.
    volume = [] if TEMPORARY in mounts.writable else ["--volume", str(TEMPORARY)]
    return [
        *volume,
        *(option for path in mounts.writable for option in ("--mount", mount(path))),
        *(option for path in mounts.read_only for option in ("--mount", mount(path, "readonly"))),
    ]


def mount(path: Path, *flags: str, target: str = "") -> str:
    """Return a --mount value: a line of CSV, so that a path may hold commas and quotes."""
    line = io.StringIO()
    fields = ["type=bind", f"source={path}", f"target={target or path}", *flags]
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def local_paths(configuration: Mapping[str, Any], options: Iterable[str]) -> list[str]:
    """Return the paths on this machine in these options."""
    values = [str(configuration.get(option) or "") for option in options]
    return [value for value in values if value and "://" not in value]


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return data if isinstance(data, dict) else {}


def make_folders(folders: Iterable[Path]) -> None:
    """Make the folders to mount for writing; they must exist before the mount."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            sys.exit(f"error: {folder}: {error.strerror}; name a folder that you may write to")


def _iter_input_mounts(files: Iterable[Path | str]) -> Iterator[Path]:
    """Yield the folders of the files and of the targets of links, each once.

    A folder is yielded itself: what lies beside it is not named.
    """
    seen: set[str] = set()
    for path in (path for file in files for path in _follow_links(os.fspath(file))):
        folder = os.path.dirname(path)
        mount = path if folder in IMAGE_FOLDERS or os.path.isdir(path) else folder
        if mount not in seen:
            seen.add(mount)
            if os.path.exists(mount):
                yield from _iter_names(Path(mount))


def _follow_links(path: str) -> Iterator[str]:
    for _ in range(MAX_LINKS):
        yield path
        if not os.path.islink(path):
            return
        path = os.path.join(os.path.dirname(path), os.readlink(path))


def _iter_names(path: Path) -> Iterator[Path]:
    """Yield the path as given, which the command will use, and the targets of its links."""
    if ".." not in path.parts:
        yield path
    yield path.resolve()


def _is_below(path: Path, parents: Iterable[Path]) -> bool:
    return any(path.is_relative_to(parent) for parent in parents)


def without_nested(paths: set[Path]) -> set[Path]:
    """Return the paths that are in no other of them."""
    return {path for path in paths if not _is_below(path, paths - {path})}


def _join_folders(paths: set[Path]) -> set[Path]:
    """Replace the deepest folders by their parents until there are few enough."""
    while len(paths) > MAX_INPUT_MOUNTS:
        joined = {path for path in paths if str(path.parent) in IMAGE_FOLDERS}
        deepest = max((len(path.parts) for path in paths - joined), default=0)
        if not deepest:
            break
        joined |= {p.parent if len(p.parts) == deepest else p for p in paths - joined}
        paths = joined
    return without_nested(paths)


if __name__ == "__main__":
    main()
