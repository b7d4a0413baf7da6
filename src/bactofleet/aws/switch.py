"""`bactofleet aws stop` and `start`: whether a stack's queues may start instances."""

from __future__ import annotations

import argparse
from typing import Any

from bactofleet.aws import environments
from bactofleet.aws.ask import confirm
from bactofleet.aws.environments import DISABLED, ENABLED
from bactofleet.aws.faults import translated
from bactofleet.aws.session import open_session
from bactofleet.aws.stack import Stack
from bactofleet.core.errors import ConfigurationError

REASON = "bactofleet aws stop"


def stop(args: argparse.Namespace) -> None:
    """Carry out the command."""
    with translated():
        batch, queues = _open(args)
        question = f"Terminate all jobs in {', '.join(queues)}?"
        if args.terminate_jobs and not confirm(question, yes=args.yes):
            raise ConfigurationError(["Nothing was changed."])
        try:
            environments.set_state(batch, environments.find_environments(batch, queues), DISABLED)
            print(f"Stack {args.stack} starts no more instances.")
        finally:
            if args.terminate_jobs:
                ended = environments.terminate_jobs(batch, queues, REASON)
                print(f"Jobs and array jobs that were terminated: {ended}.")
    if not args.terminate_jobs:
        print("Running jobs go on to their end; `--terminate-jobs` ends them too.")
    print("Batch ends instances some minutes after their last job.")
    print("Waiting and new jobs stay in the queues until `bactofleet aws start`.")


def start(args: argparse.Namespace) -> None:
    """Carry out the command."""
    with translated():
        batch, queues = _open(args)
        environments.set_state(batch, environments.find_environments(batch, queues), ENABLED)
    print(f"Stack {args.stack} starts instances for the jobs in its queues.")


def _open(args: argparse.Namespace) -> tuple[Any, list[str]]:
    """Return a client of Batch and the stack's queues."""
    session = open_session(args.region)
    outputs = Stack(session.client("cloudformation"), args.stack).outputs()
    return session.client("batch"), environments.list_queues(outputs)
