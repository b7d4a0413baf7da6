"""Run a stage of a genome in an image, on a machine that has a container engine but no tools.

`python -m bactofleet.run.contained stage.py STAGE ...`

The variable BACTOFLEET_IMAGE names the image: a folder with its files, a file of Apptainer (`.sif`)
or SquashFS (`.sqfs`), or the name of an image that Docker or Podman has. The engine is the first on
PATH that runs an image of this kind. The stage sees its genome's folders, the working directory,
the workflow, and the files that its row and its options name, each at its own path.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bactofleet import __version__
from bactofleet.core import versions
from bactofleet.core.confine import SECRET_VARIABLES
from bactofleet.core.destination import is_s3
from bactofleet.core.errors import ConfigurationError, ToolFailure
from bactofleet.core.frozen_samples import FrozenSamples
from bactofleet.core.image import CALLER_VERSION, VARIABLES, find_mismatch
from bactofleet.core.references import FOLDER, REFERENCES, addresses_in, local_place
from bactofleet.core.samples import is_remote
from bactofleet.genome.stage import OFFLINE, parse_arguments, run_stage
from bactofleet.run import container
from bactofleet.run.container import TEMPORARY, Mounts, mount

CHARLIECLOUD = "ch-run"
APPTAINERS = ("apptainer", "singularity")
# What runs an image without root, by the ending of its path; the first to be found is used.
OF_FOLDERS = (CHARLIECLOUD, *APPTAINERS)
OF_FILES = {".sif": APPTAINERS, ".sqfs": (CHARLIECLOUD, *APPTAINERS)}
# The image's own, which has the package.
PYTHON = "python3"
# The image's variables, where Charliecloud looks for them. Apptainer knows those of a .sif file,
# but not those of a folder or of SquashFS.
VARIABLES_FILE = "/ch/environment"
# Of the shell that started Snakemake; anything else might change what programs do in the image.
# TMPDIR would name a folder that the stage does not see; it has /tmp.
KEPT = ("HOME", "PATH", "USER", "XDG_RUNTIME_DIR")
# More folders to show (https://apptainer.org/docs/user/latest/bind_paths_and_mounts.html).
APPTAINER_BIND = "APPTAINER_BIND"
NAMED_FILES = (*REFERENCES, "samples")


def is_outside() -> bool:
    """Say whether this is in no image of ours."""
    return not versions.IMAGE_VERSIONS.exists()


def is_wanted() -> bool:
    """Say whether stages run in an image that the user names, because this is not in one."""
    return bool(os.environ.get(VARIABLES["name"])) and is_outside()


def name_for_snakemake() -> str:
    """Return the image as Snakemake's `container:` takes it; raises `ConfigurationError` without.

    What has no scheme and is no file here is the name of an image in a registry.
    """
    image = os.environ.get(VARIABLES["name"], "")
    if not image:
        raise ConfigurationError(
            [
                "--software-deployment-method apptainer needs an image: set the variable "
                f"{VARIABLES['name']} to a .sif file, a folder, or a name in a registry "
                "(docs/slurm.md)"
            ]
        )
    path = Path(image).absolute()
    name = image if "://" in image else str(path) if path.exists() else f"docker://{image}"
    # Snakemake puts it into a shell's command line as it is.
    if shlex.quote(name) != name:
        raise ConfigurationError(
            [
                f"{VARIABLES['name']}: Snakemake cannot start Apptainer with {name!r}: name it "
                "without spaces and other special characters, by a link if need be"
            ]
        )
    return name


def bind_for_snakemake() -> None:
    """Let the Apptainer that Snakemake starts show what the genomes are made from.

    By itself it shows the working directory and /tmp. A variable reaches jobs on other machines,
    too. Raises `ConfigurationError` for a name that the variable cannot hold.
    """
    mounts = container.find_mounts(["snakemake", *sys.argv[1:]], Path.cwd(), os.environ)
    container.make_folders(mounts.writable)
    shown = sorted(map(str, container.without_nested({*mounts.writable, *mounts.read_only})))
    if unnamed := [path for path in shown if set(path) & set(":,")]:
        raise ConfigurationError(
            [f"Apptainer cannot show a genome the folder {unnamed[0]}: no : or , in its name"]
        )
    given = filter(None, [os.environ.get(APPTAINER_BIND)])
    os.environ[APPTAINER_BIND] = ",".join([*given, *shown])
    os.environ[CALLER_VERSION] = __version__


def main(arguments: Sequence[str] | None = None) -> None:
    """Become the container that runs the stage."""
    script, *words = sys.argv[1:] if arguments is None else arguments
    mounts = find_mounts(script, words)
    image = os.environ[VARIABLES["name"]]
    command = [PYTHON, script, *words]
    try:
        engine = find_engine(image)
        line = build_line(engine, image, command, mounts)
    except ConfigurationError as error:
        sys.exit(_record(words, str(error)))
    if Path(engine).name in container.ENGINES:
        container.become(engine, container.ask_image(engine, image), command, mounts)
    container.make_folders(mounts.writable)
    environment = environment_of(os.environ, needs_secrets=words[0] not in OFFLINE)
    os.execve(engine, line, environment)  # noqa: S606  # a list, through no shell


def _record(words: Sequence[str], reason: str) -> int:
    """Record why a stage cannot run at all, as its own failures are; return its exit status."""

    def fail(_: object) -> None:
        raise ToolFailure(reason)

    return run_stage(fail, parse_arguments(list(words)), fail)


def check_image(*, is_engine_here: bool) -> None:
    """Refuse an image that does not exist, does not run, or has another version of bactofleet.

    `is_engine_here` says that this machine must be able to run it; the nodes of a cluster may have
    engines that its login node lacks.
    """
    image = os.environ[VARIABLES["name"]]
    try:
        engine = find_engine(image)
    except ConfigurationError:
        if is_engine_here or not _engines_of(image):
            raise
        return
    line = build_line(engine, image, ["bactofleet", "--version"], Mounts((), (Path.cwd(),)))
    # Docker and Podman pass on what they are told to, and need their own, such as DOCKER_HOST.
    passes_all = Path(engine).name not in container.ENGINES
    environment = environment_of(os.environ) if passes_all else None
    asked = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    if asked.returncode:
        reason = asked.stderr.strip().rpartition("\n")[2]
        raise ConfigurationError([f"the image {image} does not run here: {reason}"])
    if mismatch := find_mismatch(asked.stdout.rpartition(" ")[2].strip(), __version__):
        raise ConfigurationError([f"{VARIABLES['name']}={image}: {mismatch}"])


def find_engine(image: str) -> str:
    """Return the path of the program that runs an image; raises `ConfigurationError` without."""
    names = _engines_of(image)
    usable = [container.choose_engine() or ""] if names == container.ENGINES else names
    found = next(filter(None, map(shutil.which, usable)), None)
    if found is None:
        needs = f"needs {' or '.join(names)}, which is not on PATH here" if names else "is no image"
        raise ConfigurationError(
            [
                f"{VARIABLES['name']}={image} {needs}; name a folder with the files of the image "
                "(for Charliecloud or Apptainer), a .sif or a .sqfs file, or an image that Docker "
                "or Podman has (docs/slurm.md)"
            ]
        )
    return found


def _engines_of(image: str) -> tuple[str, ...]:
    """Return the programs that run an image of this kind; none if it is no image."""
    path = Path(image)
    if path.is_dir():
        return OF_FOLDERS
    if path.is_file():
        return OF_FILES.get(path.suffix, ())
    return () if path.is_absolute() else container.ENGINES


def environment_of(given: Mapping[str, str], *, needs_secrets: bool = False) -> dict[str, str]:
    """Return the variables for an engine without a daemon, which passes them on to the stage."""
    secrets = SECRET_VARIABLES if needs_secrets else ()
    names = container.passed_variables(given) | {*KEPT, *secrets}
    passed = {name: given[name] for name in names if name in given}
    # Without USER, which a service or cron may lack, ch-run does not start.
    return {"USER": str(os.getuid())} | passed | {CALLER_VERSION: __version__}


def find_mounts(script: str, words: Sequence[str]) -> Mounts:
    """Find the folders that a stage with these arguments needs to see."""
    stage = parse_arguments(list(words))
    options = dict(stage.options)
    genome = stage.outputs[0].parent.parent
    writable = [genome, stage.log.parent, stage.failures]
    if options.get("references"):
        writable.append(genome.parent / FOLDER)
    if "receipt" in options:
        writable.append(Path(options["receipt"]).parent)
        if not is_s3(options["results"]):
            writable.append(Path(options["results"]))
    inputs = [script, *container.local_paths(options, NAMED_FILES)]
    inputs += [str(local_place(one, genome.parent)) for one in addresses_in(options).values()]
    inputs += container.local_paths(os.environ, container.FILE_VARIABLES)
    if "samples" in options:
        sample = FrozenSamples(Path(options["samples"]))[stage.sample]
        inputs += [file for file in sample.files if not is_remote(file)]
    here = Path.cwd()
    mounted = {path for p in writable for path in container.iter_folder(here / p, here)}
    return container.join_mounts(mounted, [here / p for p in inputs], here)


def build_line(engine: str, image: str, command: Sequence[str], mounts: Mounts) -> list[str]:
    """Return the command line that runs a command in an image."""
    name = Path(engine).name
    if name in container.ENGINES:
        return container.build_command(engine, image, command, mounts, os.environ)
    builder = _charliecloud if name == CHARLIECLOUD else _apptainer
    return builder(engine, image, command, mounts)


def _charliecloud(engine: str, image: str, command: Sequence[str], mounts: Mounts) -> list[str]:
    """Return a command line of ch-run (https://hpc.github.io/charliecloud/ch-run.html).

    It shows the host's /tmp, where the stage may have its folders, and puts a file system in memory
    over the image, for the folders to mount on. Everything that it shows can be written to. Raises
    `ConfigurationError` for a folder with a colon, which ends the folder's name in its option.
    """
    paths = {*mounts.read_only, *mounts.writable, TEMPORARY}
    shown = sorted(container.without_nested(paths) - {TEMPORARY})
    if unnamed := [str(path) for path in shown if ":" in str(path)]:
        raise ConfigurationError(
            [
                f"Charliecloud cannot show a genome the folder {unnamed[0]}, which has a colon in "
                "its name; rename it, or use Apptainer, Docker or Podman (docs/slurm.md)"
            ]
        )
    return [
        *(engine, "--write-fake", "--set-env"),
        *(option for path in shown for option in ("--bind", str(path))),
        *("--cd", str(Path.cwd()), image, "--", *command),
    ]


def _apptainer(engine: str, image: str, command: Sequence[str], mounts: Mounts) -> list[str]:
    """Return a command line of Apptainer (https://apptainer.org/docs/user/latest/).

    The host's /tmp takes temporary files, because Apptainer's own has 64 MB.
    """
    shown = [mount(TEMPORARY), *(mount(path, "ro") for path in mounts.read_only)]
    shown += [mount(path) for path in mounts.writable]
    read_variables = f'set -a; [ ! -e {VARIABLES_FILE} ] || . {VARIABLES_FILE}; exec "$@"'
    return [
        *(engine, "--quiet", "exec", "--contain", "--no-home"),
        *(option for value in shown for option in ("--mount", value)),
        *("--pwd", str(Path.cwd()), image, "sh", "-c", read_variables, "sh", *command),
    ]


if __name__ == "__main__":
    main()
