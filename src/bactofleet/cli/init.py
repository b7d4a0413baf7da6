"""`bactofleet init`: make a folder for a cohort."""

from __future__ import annotations

import argparse
import os
import shutil
from contextlib import chdir
from pathlib import Path

from bactofleet.archives.search.importing import import_folder
from bactofleet.core.config import CONFIG_FILE, load_schema
from bactofleet.core.files import write_atomically
from bactofleet.core.project import ROOT, SCHEMAS, link_workflow
from bactofleet.core.samples import ARCHIVE_COLUMNS

SHEET = Path("config/samples.tsv")
PROFILES = tuple(Path(f"profiles/{name}/config.yaml") for name in ("local", "slurm", "aws"))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=run)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="made if it does not exist")
    parser.add_argument(
        "--reads",
        metavar="DIR",
        type=Path,
        help="fill the sample sheet with the genomes of this folder of reads, as `bactofleet "
        "import` does",
    )


def run(args: argparse.Namespace) -> None:
    """Run the command; what is in the folder already stays as it is.

    Raises `ConfigurationError` if there is no FASTQ file in the folder of reads.
    """
    reads = args.reads and args.reads.absolute()
    args.folder.mkdir(parents=True, exist_ok=True)
    with chdir(args.folder):
        for path in (CONFIG_FILE, *PROFILES):
            if _is_missing(path):
                shutil.copyfile(ROOT / path, path)
        if _is_missing(SHEET):
            write_atomically(SHEET, _header())
        link_workflow()
        if reads:
            # Paths in a sheet are from the folder in which it is used.
            import_folder(Path(os.path.relpath(reads)), SHEET).print("genomes", SHEET)
    folder = args.folder
    action = "review the" if reads else "list"
    print(f"Next: {action} genomes in {folder / SHEET}, review {folder / CONFIG_FILE},")
    print(f"and start `bactofleet run --directory {folder}`.")


def _header() -> str:
    """Return the first line of a sheet, with the columns that users fill."""
    columns = load_schema(SCHEMAS / "samples.schema.yaml")["properties"]
    return "\t".join(name for name in columns if name not in ARCHIVE_COLUMNS) + "\n"


def _is_missing(path: Path) -> bool:
    """Say whether a file is to be made, in a folder that then exists."""
    if path.exists():
        print(f"Kept {path}, which exists.")
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    return True
