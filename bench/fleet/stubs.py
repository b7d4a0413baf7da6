"""What the children of the benchmark would do, without containers: deliver the declared outputs."""

import re
from pathlib import PurePosixPath

from aws.emulator.batch.stubs import StubChild
from aws.emulator.provision import BUCKET
from aws.stub_functions import RESULT, return_files, return_outputs
from cohort import build_receipt
from executors import PEER_PREFIX

__all__ = ["return_outputs", "return_receipts", "store_output", "store_receipt"]

GENOME = re.compile(r"(?:genome|sample)=(\w+)")


def return_receipts(child: StubChild) -> int:
    """Do as a child of the real workflow: put the receipt of its genome."""
    return return_files(child, lambda path: build_receipt(PurePosixPath(path).stem))


def store_output(child: StubChild) -> int:
    """Do as a job of the executor aws-batch: put the output to the default storage."""
    child.put_object(BUCKET, f"{PEER_PREFIX}/results/{_find_genome(child)}.json", RESULT)
    return 0


def store_receipt(child: StubChild) -> int:
    """Do as a group of the real workflow with aws-batch: only the receipt is needed outside."""
    sample = _find_genome(child)
    key = f"{PEER_PREFIX}/results/receipts/{sample}.json"
    child.put_object(BUCKET, key, build_receipt(sample))
    return 0


def _find_genome(child: StubChild) -> str:
    genome = GENOME.search(child.command[-1])
    if genome is None:
        raise ValueError(f"no genome in {child.command[-1]}")
    return genome[1]
