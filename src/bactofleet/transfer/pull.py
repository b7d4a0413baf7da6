"""`bactofleet receipts pull`: restore lost receipts from the tarballs on S3."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError

from bactofleet.core.config import load_schema, read_config
from bactofleet.core.destination import local_folder
from bactofleet.core.errors import BactofleetError
from bactofleet.core.files import write_json
from bactofleet.core.project import SCHEMAS
from bactofleet.core.text import clean
from bactofleet.records.folder import list_receipts, lock_results, receipt_path
from bactofleet.records.portable import HEAD_BYTES, Fields, rebuild
from bactofleet.transfer.parallel import in_parallel
from bactofleet.transfer.places import TARBALL, Bucket, ObjectFault, open_bucket


class PullIncomplete(BactofleetError):
    """The receipts of some tarballs could not be restored."""


def run(args: argparse.Namespace) -> None:
    """Carry out the command; raises `PullIncomplete` if a receipt could not be restored.

    Existing receipts are not changed.
    """
    address = str(read_config(args.config)["results"])
    bucket, results = open_bucket(address), local_folder(address)
    with lock_results(results):
        wanted = list(_iter_wanted(bucket, set(list_receipts(results))))
        print(f"{len(wanted):,} tarballs at {address} have no receipt in {results}.")
        faults = 0
        for sample, answer in in_parallel(lambda name: _ask(bucket, name), wanted):
            if isinstance(answer, ObjectFault):
                faults += 1
                print(clean(answer), file=sys.stderr)
            else:
                write_json(receipt_path(results, sample), answer)
    print(f"{len(wanted) - faults:,} receipts were written; the next run makes what is left.")
    if faults:
        raise PullIncomplete(
            f"{faults:,} receipts could not be restored. Start the command again; otherwise the "
            "next run makes these genomes again."
        )


def _iter_wanted(bucket: Bucket, present: set[str]) -> Iterator[str]:
    """Yield the samples that have a tarball but no receipt; ignore other objects."""
    schema = load_schema(SCHEMAS / "samples.schema.yaml")
    rules = schema["properties"]["sample"]
    pattern, longest = re.compile(rules["pattern"]), rules["maxLength"]
    for name, _ in bucket.iter_files():
        sample = name.removesuffix(TARBALL)
        if (
            name.endswith(TARBALL)
            and pattern.fullmatch(sample)
            and len(sample) <= longest
            and sample not in present
        ):
            yield sample


def _ask(bucket: Bucket, sample: str) -> Fields | ObjectFault:
    name = f"{sample}{TARBALL}"
    address = bucket.address(name)
    try:
        answer = bucket.open(name, HEAD_BYTES)
        return rebuild(sample, address, answer["Body"].read(), answer.get("Metadata") or {})
    except ObjectFault as fault:
        return fault
    except (ValueError, BotoCoreError) as error:
        return ObjectFault(f"{address}: {error}")
