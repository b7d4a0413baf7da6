"""`bactofleet aws`: its subcommands and their options."""

from __future__ import annotations

import argparse
import contextlib
import re

from bactofleet.aws.deploy import deploy
from bactofleet.aws.destroy import destroy
from bactofleet.aws.push import push
from bactofleet.aws.switch import start, stop
from bactofleet.core.config import CONFIG_FILE, read_config
from bactofleet.core.destination import local_folder
from bactofleet.core.errors import ConfigurationError
from bactofleet.cost.families import find_expensive
from bactofleet.cost.prices import load_prices
from bactofleet.records.attempt import read_attempts

DEFAULT_STACK = "bactofleet"
# Queues, image repository and bucket are named after it; the limits are those of a repository name:
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
_STACK = re.compile(r"(?=.{1,40}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands and their options."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    making = actions.add_parser(
        "deploy", help="create or update the stack; shows the changes first"
    )
    making.set_defaults(run=_deploy)
    making.add_argument(
        *("--parameter", "-p"),
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="parameter of the stack, for example MaxSpotVcpus=1000; the others keep their values",
    )
    removing = actions.add_parser("destroy", help="remove the stack; refuses while it holds data")
    removing.set_defaults(run=destroy)
    pushing = actions.add_parser("push", help="build the image and push it to the stack")
    pushing.set_defaults(run=push)
    pushing.add_argument(
        "--multi-arch", action="store_true", help="build for amd64 and arm64; needs docker buildx"
    )
    stopping = actions.add_parser("stop", help="start no more instances, whoever submits jobs")
    stopping.set_defaults(run=stop)
    stopping.add_argument(
        "--terminate-jobs", action="store_true", help="terminate all jobs in the queues as well"
    )
    starting = actions.add_parser("start", help="start instances again after `stop`")
    starting.set_defaults(run=start)
    for action in (making, removing, pushing, stopping, starting):
        _add_stack(action)
    for action in (making, removing, stopping):
        action.add_argument("--yes", action="store_true", help="do not ask for confirmation")


def _deploy(args: argparse.Namespace) -> None:
    deploy(args, _find_expensive)


def _find_expensive() -> dict[str, str]:
    """Return the families on which the genomes of this folder's runs were much more expensive."""
    with contextlib.suppress(ConfigurationError):  # no configuration, no runs
        results = local_folder(str(read_config(CONFIG_FILE)["results"]))
        return find_expensive(read_attempts(results), load_prices())
    return {}


def _add_stack(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stack",
        type=_stack_name,
        default=DEFAULT_STACK,
        help="name of the stack (default: %(default)s)",
    )
    parser.add_argument(
        "--region",
        help="AWS region (default: the region in account.yaml or in your AWS configuration)",
    )


def _stack_name(text: str) -> str:
    if not _STACK.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"must be up to 40 lower-case letters, digits and single hyphens, not {text!r}"
        )
    return text
