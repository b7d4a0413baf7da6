"""`bactofleet launch`: start a run whose controller works on AWS Batch."""

from __future__ import annotations

import argparse
import os
import tempfile
from contextlib import chdir
from pathlib import Path
from typing import Any

from bactofleet.aws.ask import confirm
from bactofleet.aws.faults import translated
from bactofleet.aws.session import open_session
from bactofleet.aws.settings import effective_settings
from bactofleet.cli import doctor
from bactofleet.cli import estimate as estimate_command
from bactofleet.cli.options import add_config
from bactofleet.core.config import read_config
from bactofleet.core.destination import local_folder
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.samples import read_samples
from bactofleet.cost.display import format_usd
from bactofleet.cost.estimate import STACK_VCPUS, Estimate, price_vcpu_hour
from bactofleet.cost.prices import ON_DEMAND, load_prices
from bactofleet.launch.controller_job import VCPUS, start_controller
from bactofleet.launch.place import Place, place_of
from bactofleet.launch.project import pack_project, unpack_project
from bactofleet.launch.state import Reader, list_state
from bactofleet.records.attempt import read_attempts
from bactofleet.records.folder import lock_results

NEEDED = ("bucket", "controller-queue", "controller-role", "execution-role", "image", "region")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=run)
    add_config(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")


def run(args: argparse.Namespace) -> None:
    """Run the command.

    Raises `ConfigurationError` if something is not ready, the run has a controller already, or the
    user does not confirm.
    """
    # What belongs to this folder must be named from it, also in the container.
    config_file = Path(os.path.relpath(args.config))
    doctor.examine(config_file)
    config = read_config(config_file)
    settings = _read_settings()
    place = place_of(config["results"], settings["bucket"])
    project = pack_project(config_file, config, settings)
    results = local_folder(config["results"])
    with lock_results(results), translated():
        session = open_session(settings["region"])
        found = _estimate(session.client("s3"), place, project, config)
        _show(place, found)
        if not found.genomes:
            print("All genomes are finished. Nothing was started.")
            return
        if not confirm(f"Start {place.address}?", yes=args.yes):
            raise ConfigurationError(["Nothing was started."])
        genomes = len(read_samples(Path(config["samples"])))
        job_id = start_controller(session, place, project, results, genomes, settings)
    print(f"Started {place.address}: its controller is job {job_id}. This machine may go off.")
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


def _estimate(s3: Any, place: Place, project: bytes, config: dict[str, Any]) -> Estimate:
    """Estimate what is left, by the state in the bucket, or by that of this folder."""
    if not list_state(s3, place):
        return _predict(config)
    with tempfile.TemporaryDirectory(prefix="bactofleet-") as folder, chdir(folder):
        unpack_project(project, Path.cwd())
        Reader(s3, place, local_folder(config["results"])).read()
        return _predict(config)


def _predict(config: dict[str, Any]) -> Estimate:
    attempts = read_attempts(local_folder(config["results"]))
    return estimate_command.estimate(config, attempts, load_prices(), STACK_VCPUS)


def _show(place: Place, found: Estimate) -> None:
    print(f"run:        {place.address}")
    estimate_command.show(found, "the dated table of the package", as_json=False)
    hour = VCPUS * price_vcpu_hour(ON_DEMAND, VCPUS, load_prices())
    print(f"controller: {format_usd(hour)} per hour, on demand, on an instance that genomes share")
