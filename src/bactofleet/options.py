"""Options that several subcommands have."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the configuration."""
    parser.add_argument(
        "--config", type=Path, default=Path("config/config.yaml"), help="configuration file"
    )
