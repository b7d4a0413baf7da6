"""`bactofleet versions`: the versions of all tools as JSON."""

from __future__ import annotations

import argparse

from bactofleet.core.versions import to_json


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=lambda _: print(to_json()))
