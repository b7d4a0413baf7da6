"""`bactofleet launch`: start a run whose controller works on AWS Batch."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from bactofleet.aws.ask import confirm
from bactofleet.aws.faults import translated
from bactofleet.aws.session import open_session
from bactofleet.aws.settings import effective_settings
from bactofleet.cli import doctor
from bactofleet.cli import estimate as estimate_command
from bactofleet.cli.options import add_config, positive
from bactofleet.core.config import read_config
from bactofleet.core.destination import local_folder
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.samples import read_samples
from bactofleet.core.text import counted
from bactofleet.cost.display import format_usd
from bactofleet.cost.estimate import STACK_VCPUS, Estimate, price_vcpu_hour
from bactofleet.cost.prices import ON_DEMAND, load_prices
from bactofleet.launch.controller_job import VCPUS
from bactofleet.launch.place import Place, place_of
from bactofleet.launch.project import pack_project
from bactofleet.launch.shards import MAX_GENOMES, count_genomes
from bactofleet.launch.start import choose_shards, find_standing, start
from bactofleet.records.attempt import read_attempts
from bactofleet.records.folder import lock_results

NEEDED = ("bucket", "controller-queue", "controller-role", "execution-role", "image", "region")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=run)
    add_config(parser)
    parser.add_argument(
        "--shards",
        type=positive,
        metavar="N",
        help="number of controllers, each for a part of the sheet (default: as many as the run "
        f"has, or as are needed so that none has more than {MAX_GENOMES:,} genomes)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be started, and start nothing"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")


def run(args: argparse.Namespace) -> None:
    """Run the command.

    Raises `ConfigurationError` if something is not ready, all controllers of the run are at work,
    or the user does not confirm.
    """
    # What belongs to this folder must be named from it, also in the container.
    config_file = Path(os.path.relpath(args.config))
    doctor.examine(config_file)
    config = read_config(config_file)
    settings = _read_settings()
    place = place_of(config["results"], settings["bucket"])
    project = pack_project(config_file, config, settings)
    results = local_folder(config["results"])
    samples = list(read_samples(Path(config["samples"])))
    with lock_results(results), translated():
        session = open_session(settings["region"])
        queue = settings["controller-queue"]
        with find_standing(session, place, project, results, queue) as standing:
            found = _predict(config)
            number = choose_shards(standing, samples, args.shards)
            _show(place, found, count_genomes(samples, number))
            if not found.genomes and (standing.shards is None or standing.is_reported):
                print("All genomes are finished. Nothing was started.")
                return
            if args.dry_run:
                print("This was a dry run. Nothing was started.")
                return
            if not confirm(f"Start {place.address}?", yes=args.yes):
                raise ConfigurationError(["Nothing was started."])
            job_ids = start(session, standing, project, samples, number, settings)
    jobs = f"job {job_ids[0]}" if len(job_ids) == 1 else f"{len(job_ids)} jobs"
    print(f"Started {place.address}: its controller is {jobs}. This machine may go off.")
    print(f"  bactofleet status --run {place.address}")
    print(f"  bactofleet stop --run {place.address}")


def _read_settings() -> dict[str, str]:
    settings = effective_settings()
    if missing := [name for name in NEEDED if not settings.get(name)]:
        raise ConfigurationError(
            [
                f"not set: {', '.join(missing)}; `bactofleet aws deploy` updates the stack and "
                "writes the settings"
            ]
        )
    return settings


def _predict(config: dict[str, Any]) -> Estimate:
    attempts = read_attempts(local_folder(config["results"]))
    return estimate_command.estimate(config, attempts, load_prices(), STACK_VCPUS)


def _show(place: Place, found: Estimate, genomes: list[int]) -> None:
    print(f"run:        {place.address}")
    estimate_command.show(found, "the dated table of the package", as_json=False)
    hour = VCPUS * price_vcpu_hour(ON_DEMAND, VCPUS, load_prices())
    number = len(genomes)
    print(
        f"shards:     {number}, of up to {counted(max(genomes), 'genome')}, each with a controller"
    )
    print(f"controller: {format_usd(hour)} per hour each, on demand")
