"""What the children of the benchmark would do, without containers: deliver the declared outputs."""

import re

from emulator.batch.stubs import StubChild
from emulator.provision import BUCKET
from executors import PEER_PREFIX
from stub_functions import RESULT, return_outputs

__all__ = ["return_outputs", "store_output"]

GENOME = re.compile(r"genome=(\d+)")


def store_output(child: StubChild) -> int:
    """Do as a job of the executor aws-batch: put the output to the default storage."""
    genome = GENOME.search(child.command[-1])
    if genome is None:
        raise ValueError(f"no genome in {child.command[-1]}")
    child.put_object(BUCKET, f"{PEER_PREFIX}/results/{genome[1]}.json", RESULT)
    return 0
