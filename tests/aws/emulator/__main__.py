"""Start the emulated AWS, and run a command in it or say how to use it until Ctrl-C or SIGTERM."""

import argparse
import importlib
import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

from .batch.stubs import StubFunction
from .provision import READY, controller_environment, executor_settings
from .server import Emulator, Options


def parse_options(arguments: list[str] | None = None) -> tuple[Options, list[str]]:
    """Read the command line; the second is the command to run, if any."""
    parser = argparse.ArgumentParser(prog="emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--spot-vcpus", type=int, default=16, help="maxvCpus of the spot queue")
    parser.add_argument("--on-demand-vcpus", type=int, default=16, help="... of the fallback")
    parser.add_argument("--request-log", type=Path, help="file for one JSON line a request")
    parser.add_argument("--stub", type=load_function, help="MODULE:FUNCTION instead of containers")
    parser.add_argument("--stub-seconds", type=float, default=0.0, help="how long a stub takes")
    parser.add_argument("command", nargs="*", help="after --: run it in the emulated AWS and stop")
    options = vars(parser.parse_args(arguments))
    command: list[str] = options.pop("command")
    return Options(**options), command


def load_function(name: str) -> StubFunction:
    """Import ``module:function``."""
    module, _, function = name.partition(":")
    loaded: StubFunction = getattr(importlib.import_module(module), function)
    return loaded


def main() -> int:
    """Start it, and stop it after the command or when told to; return the command's exit status."""
    options, command = parse_options()
    emulator = Emulator(options)
    variables = controller_environment(emulator.endpoint_url) | executor_settings()
    try:
        return run(command, variables) if command else tell(variables, emulator.endpoint_url)
    finally:
        emulator.close()


def run(command: list[str], variables: dict[str, str]) -> int:
    """Run a command with these variables; Ctrl-C reaches it as well, and it ends by itself."""
    process = subprocess.Popen(command, env=os.environ | variables)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    return process.wait()


def tell(variables: dict[str, str], endpoint_url: str) -> int:
    """Print the variables for a shell, and wait for Ctrl-C or SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    print(READY + endpoint_url, flush=True)
    stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
