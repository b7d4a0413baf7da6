"""A launched run of two shards while everything goes wrong: the short form of bench/soak.

SOAK_SEED repeats a run; a run that fails tells its seed.
"""

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "bench" / "fleet"))
sys.path.insert(0, str(Path(__file__).parents[2] / "bench" / "soak"))

import pytest
from aws.emulator.client import EmulatedAWS
from machines import find_lack
from soak import Soak

GENOMES = 120
SECONDS = 40
LACK = find_lack()


@pytest.mark.skipif(bool(LACK), reason=f"needs {LACK}")
def test_each_genome_of_all_shards_ends_once_for_its_own_reason(
    start_aws: Callable[..., EmulatedAWS], tmp_path: Path
) -> None:
    seed = int(os.environ.get("SOAK_SEED") or secrets.randbelow(10**6))
    aws = start_aws(stub="soak_stubs:behave", stub_seconds=3, spot_vcpus=32)
    soak = Soak(aws, tmp_path, GENOMES, shards=2)

    soak.run(SECONDS, seed)

    print(f"SOAK_SEED={seed}: {soak.measure()}")  # shown by pytest if it fails
    assert soak.find_problems() == []
