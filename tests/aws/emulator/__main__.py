"""Start the emulated AWS and say how to use it; Ctrl-C or SIGTERM stops it."""

import argparse
import importlib
import shlex
import signal
import threading
from pathlib import Path

from .batch.stubs import StubFunction
from .provision import READY, controller_environment, executor_settings
from .server import Emulator, Options


def parse_options(arguments: list[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--spot-vcpus", type=int, default=16, help="maxvCpus of the spot queue")
    parser.add_argument("--on-demand-vcpus", type=int, default=16, help="... of the fallback")
    parser.add_argument("--request-log", type=Path, help="file for one JSON line a request")
    parser.add_argument("--stub", type=load_function, help="MODULE:FUNCTION instead of containers")
    parser.add_argument("--stub-seconds", type=float, default=0.0, help="how long a stub takes")
    return Options(**vars(parser.parse_args(arguments)))


def load_function(name: str) -> StubFunction:
    """Import ``module:function``."""
    module, _, function = name.partition(":")
    loaded: StubFunction = getattr(importlib.import_module(module), function)
    return loaded


def main() -> None:
    """Run until told to stop."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    emulator = Emulator(parse_options())
    variables = controller_environment(emulator.endpoint_url) | executor_settings()
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    print(READY + emulator.endpoint_url, flush=True)
    stop.wait()
    emulator.close()


if __name__ == "__main__":
    main()
