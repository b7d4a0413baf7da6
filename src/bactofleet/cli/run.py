"""`bactofleet run`: make the genomes of the sample sheet with Snakemake."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from bactofleet.core import versions
from bactofleet.core.config import CONFIG_FILE
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.image import IMAGE, VARIABLES
from bactofleet.core.project import find_file, link_workflow
from bactofleet.run import container

LOCAL = "local"
EPILOG = """\
All other options and targets are Snakemake's (`snakemake --help`), for example --dry-run.
With the profile local the genomes are made in the container, if Docker or Podman is here.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    # Snakemake's own options must not be taken for abbreviations of these.
    parser.allow_abbrev = False
    parser.usage = "bactofleet run [-d FOLDER] [--profile PROFILE] [Snakemake's options]"
    parser.epilog = EPILOG
    parser.set_defaults(run=run, snakemake=[])
    parser.add_argument(
        "--profile",
        default=LOCAL,
        help="local, slurm, aws, or a folder with a profile of your own (default: %(default)s)",
    )
    parser.add_argument(
        *("--configfile", "--configfiles"),
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help=f"configuration whose options replace those of {CONFIG_FILE}",
    )


def run(args: argparse.Namespace) -> None:
    """Become Snakemake; raises `ConfigurationError` in a folder without a configuration."""
    if not CONFIG_FILE.is_file():
        raise ConfigurationError(
            [f"{Path.cwd()} has no {CONFIG_FILE}; `bactofleet init {Path.cwd()}` makes it"]
        )
    link_workflow()
    command = ["snakemake"]
    if args.configfile:
        command += ["--configfile", *map(str, args.configfile)]
    command += ["--profile", _find_profile(args.profile), *args.snakemake]
    image = os.environ.get(VARIABLES["name"]) or IMAGE
    is_name = not (Path(image).is_absolute() or Path(image).exists())
    is_outside = is_name and not versions.IMAGE_VERSIONS.exists()
    if args.profile == LOCAL and is_outside and any(map(shutil.which, container.ENGINES)):
        container.run_command(command, image)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", *command])  # noqa: S606  # through no shell


def _find_profile(name: str) -> str:
    """Return the folder of a profile, which a name alone means in `profiles/`."""
    return name if "/" in name else str(find_file(f"profiles/{name}"))
