"""Start it; the options are those of `python -m emulator`."""

import sys

import aws.emulator.__main__ as program

from . import cloudformation
from .rights import GuardedEmulator

if __name__ == "__main__":
    cloudformation.install()
    program.Emulator = GuardedEmulator  # type: ignore[misc]
    sys.exit(program.main())
