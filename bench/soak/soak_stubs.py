"""What a genome of the soak does: most are made, some are excluded, some fail in their own way."""

from __future__ import annotations

import json
import random
from pathlib import PurePosixPath

from aws.emulator.batch.stubs import StubChild
from aws.stub_functions import read_outputs, return_files
from cohort import SAMPLE, build_receipt

from snakemake_executor_plugin_aws_batch_array import environment

# Of so many genomes one fails whatever is tried, and one is excluded.
BROKEN, EXCLUDED = 50, 20
# Shares of attempts that end so: files that do not come, no memory, a CPU that is too old.
PASSING = ((75, 0.04), (137, 0.02), (132, 0.01))
REASON = {"type": "low-read-count", "stage": "qc", "message": "too few reads"}


def is_broken(sample: str) -> bool:
    """Say whether a genome's tool fails always."""
    return int(sample.removeprefix(SAMPLE)) % BROKEN == 7


def is_excluded(sample: str) -> bool:
    """Say whether a genome has too few reads."""
    return not is_broken(sample) and int(sample.removeprefix(SAMPLE)) % EXCLUDED == 3


def behave(child: StubChild) -> int:
    """Make a genome, and tell in the bucket that it was made; or end as attempts do at times."""
    path = PurePosixPath(read_outputs(child)[0])
    if is_broken(path.stem):
        return 1
    chance = random.Random(f"{path.stem} {child.job_id} {child.attempt}").random()  # noqa: S311
    for code, share in PASSING:
        if chance < share:
            return code
        chance -= share
    key = f"made/{path.stem}/{child.job_id}-{child.index}-{child.attempt}"
    child.put_object(child.environment[environment.BUCKET], key, b"")
    return return_files(child, lambda name: _make(PurePosixPath(name).stem))


def _make(sample: str) -> bytes:
    receipt = build_receipt(sample)
    if not is_excluded(sample):
        return receipt
    return json.dumps(json.loads(receipt) | {"status": "excluded", "reason": REASON}).encode()
