"""A launched run with several shards while everything goes wrong: `bench/soak/README.md`.

PYTHONPATH=tests:bench/fleet python bench/soak/run.py --seconds 600 --seed 7
"""

from __future__ import annotations

import argparse
import json
import secrets
import tempfile
from pathlib import Path

from aws.emulator.client import EmulatedAWS
from soak import Soak

# Genomes that are made at a time.
VCPUS, AT_ONCE = 64, 16
SHORTEST_S = 3.0


def main() -> int:
    """Run it, print what was found, and return whether something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=600, help="how long things go wrong")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--genomes", type=int, default=1500)
    parser.add_argument("--shards", type=int, default=3)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    # So long that genomes are made until things no longer go wrong.
    stub_s = max(SHORTEST_S, options.seconds * AT_ONCE / options.genomes)
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        EmulatedAWS(stub="soak_stubs:behave", stub_seconds=stub_s, spot_vcpus=VCPUS) as aws,
    ):
        soak = Soak(aws, Path(folder), options.genomes, options.shards)
        soak.run(options.seconds, options.seed)
        print(json.dumps(soak.measure(), indent=2))
        problems = soak.find_problems()
    print("\n".join(problems) or "each genome ended once, for its own reason")
    return bool(problems)


if __name__ == "__main__":
    raise SystemExit(main())
