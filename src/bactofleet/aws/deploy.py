"""`bactofleet aws deploy`: create or update the stack, and write its settings for profiles/aws."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from bactofleet.aws.ask import confirm
from bactofleet.aws.environments import (
    drain,
    find_environments,
    kept_states,
    list_queues,
    renew_images,
)
from bactofleet.aws.faults import translated
from bactofleet.aws.instance_types import offered_types
from bactofleet.aws.leftovers import limit_logs, remove_images
from bactofleet.aws.network import find_dead_ends, find_network
from bactofleet.aws.session import open_session
from bactofleet.aws.settings import SETTINGS, read_settings, settings_of, write_settings
from bactofleet.aws.stack import Stack
from bactofleet.core.config import CONFIG_FILE
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.project import TEMPLATE

ARCHITECTURE = "x86_64"
# Parameters that limit vCPUs, and the compute environments that they limit.
LIMITS = {
    "MaxSpotVcpus": "SpotEnvironment",
    "MaxOnDemandVcpus": "OnDemandEnvironment",
    "MaxControllerVcpus": "ControllerEnvironment",
}

FindFamilies = Callable[[], Mapping[str, str]]
"""Returns the families of instances that new stacks leave out, each with the reason."""


def deploy(args: argparse.Namespace, find_expensive: FindFamilies = dict) -> None:
    """Carry out the command."""
    with translated():
        session = open_session(args.region)
        stack = Stack(session.client("cloudformation"), args.stack)
        _update(stack, session, _read_parameters(args.parameter), find_expensive, yes=args.yes)
        outputs = stack.outputs()
        batch = session.client("batch")
        renew_images(batch, find_environments(batch, list_queues(outputs)), print)
        # AMIs of images that were pushed before.
        current = {outputs["BakedImage"]} if "BakedImage" in outputs else set[str]()
        remove_images(session.client("ec2"), stack.name, current, print)
        limit_logs(session.client("logs"), print)
        _write(outputs, session.region_name)


def _read_parameters(words: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise ConfigurationError([f"--parameter must be NAME=VALUE, not {wrong[0]!r}"])
    return {name: value for name, _, value in pairs}


def _update(
    stack: Stack, session: Any, given: dict[str, str], find_expensive: FindFamilies, *, yes: bool
) -> None:
    template = TEMPLATE.read_text(encoding="utf-8")
    known = stack.parameter_names(template)
    if unknown := sorted(given.keys() - known):
        raise ConfigurationError(
            [f"the stack has no parameter {unknown[0]!r}; it has {', '.join(sorted(known))}"]
        )
    is_new = stack.describe() is None
    own = set() if is_new else stack.resource_ids("S3Endpoint")
    if "InstanceTypes" not in given and (is_new or "Architecture" in given):
        given = given | {"InstanceTypes": _choose_types(session, given, find_expensive())}
    changes = stack.propose(template, _complete(session, given, own, is_new=is_new))
    if changes is None:
        print(f"Stack {stack.name} is up to date.")
        return
    print(f"Changes of stack {stack.name} in {session.region_name}:")
    print("\n".join(f"  {line}" for line in changes.lines))
    if not confirm("Make these changes?", yes=yes):
        stack.discard(changes)
        raise ConfigurationError(["Nothing was changed."])
    batch = session.client("batch")
    present = [] if is_new else find_environments(batch, list_queues(stack.outputs()))
    with kept_states(batch, present):
        if not is_new:
            drain(batch, _find_limits(stack, given), print)
        stack.execute(changes, print)


def _find_limits(stack: Stack, given: dict[str, str]) -> dict[str, int]:
    """Return the given limits by the ARN of their compute environment."""
    return {
        arn: int(value)
        for name, value in given.items()
        if name in LIMITS and value.isdecimal()
        for arn in stack.resource_ids(LIMITS[name])
    }


def _choose_types(session: Any, given: dict[str, str], expensive: Mapping[str, str]) -> str:
    architecture = given.get("Architecture", ARCHITECTURE)
    types = offered_types(session.client("ec2"), architecture, expensive)
    for family, reason in expensive.items():
        print(f"Instances of {family} are left out: {reason}.")
    return ",".join(types)


def _complete(
    session: Any, given: dict[str, str], own_endpoints: set[str], *, is_new: bool
) -> dict[str, str]:
    """Add the parameters of the network, which follow from the account, to the given ones."""
    ec2, parameters = session.client("ec2"), dict(given)
    if "VpcId" not in given and (is_new or "SubnetIds" in given):
        subnets = [name for name in given.get("SubnetIds", "").split(",") if name]
        network = find_network(ec2, session.region_name, subnets, own_endpoints)
        parameters["VpcId"] = network.vpc
        parameters["SubnetIds"] = ",".join(network.subnets)
        parameters.setdefault("RouteTableIds", ",".join(network.route_tables))
    _check_ways_out(ec2, parameters)
    return parameters


def _check_ways_out(ec2: Any, parameters: dict[str, str]) -> None:
    """Raise `ConfigurationError` if instances in the subnets of the parameters reach nothing."""
    subnets = [name for name in parameters.get("SubnetIds", "").split(",") if name]
    if dead_ends := find_dead_ends(ec2, subnets) if subnets else []:
        remedy = "take other subnets (`-p SubnetIds=...`), or change these: docs/aws.md"
        raise ConfigurationError([*dead_ends, remedy])


def _write(outputs: dict[str, str], region: str) -> None:
    """Write the settings; keep the pushed image if it is in this stack's repository."""
    settings = settings_of(outputs, region)
    image = read_settings().get("image", "")
    if image.startswith(f"{outputs['Repository']}:"):
        settings["image"] = image
    write_settings(settings)
    print(f"Wrote {SETTINGS}, which profiles/aws reads.")
    print(f"Jobs may put results below s3://{outputs['Bucket']}/results: name it in {CONFIG_FILE}.")
    if "image" not in settings:
        print("Next: `bactofleet aws push` builds the image and pushes it.")
