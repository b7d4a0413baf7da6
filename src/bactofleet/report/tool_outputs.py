"""The tools' summaries for MultiQC, from the first file of each tarball.

They are the largest part of a genome's record and only small cohorts use them
(`multiqc.MAX_GENOMES`), so receipts do not contain them. Instead the beginning of each tarball is
read when it is needed; on S3 this takes one request per genome.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError

from bactofleet.core.destination import is_s3
from bactofleet.core.files import only_regular
from bactofleet.core.text import counted
from bactofleet.records.portable import HEAD_BYTES, read_first_file
from bactofleet.records.receipt import Receipt, iter_receipts
from bactofleet.transfer.parallel import in_parallel
from bactofleet.transfer.places import TARBALL, Bucket, ObjectFault, open_bucket

logger = logging.getLogger(__name__)

Outputs = Mapping[str, Any]
# Errors of one tarball; the others are not affected.
_FAULTS = (ObjectFault, BotoCoreError, OSError, ValueError)


def iter_tool_outputs(results: Path, samples: Sequence[str]) -> Iterator[tuple[str, Outputs]]:
    """Yield the sample and the summaries by tool of each genome whose tarball can be read.

    Raises `ConfigurationError` if AWS does not answer at all.
    """
    receipts = list(iter_receipts(results, samples))
    folders = {folder for receipt in receipts if (folder := _s3_folder(receipt))}
    # Opened here because boto3's sessions are not thread-safe.
    buckets = {folder: open_bucket(folder) for folder in folders}
    faults = []
    for receipt, answer in in_parallel(lambda one: _read(results, one, buckets), receipts):
        if isinstance(answer, Exception):
            faults.append(f"{receipt.sample}: {answer}")
        else:
            yield receipt.sample, answer
    if faults:
        logger.warning(
            "MultiQC lacks %s, for example %s", counted(len(faults), "genome"), faults[0]
        )


def _s3_folder(receipt: Receipt) -> str:
    """Return the folder on S3 that holds a genome's tarball, "" if it is not on S3."""
    folder = (receipt.tarball.path or "").rpartition("/")[0]
    return folder if is_s3(folder) else ""


def _read(results: Path, receipt: Receipt, buckets: Mapping[str, Bucket]) -> Outputs | Exception:
    name, folder = f"{receipt.sample}{TARBALL}", _s3_folder(receipt)
    try:
        if folder:
            head: bytes = buckets[folder].open(name, HEAD_BYTES)["Body"].read()
        else:
            with open(results / name, "rb", opener=only_regular) as tarball:
                head = tarball.read(HEAD_BYTES)
        outputs = read_first_file(receipt.sample, head).get("multiqc")
    except _FAULTS as error:
        return error
    return outputs if isinstance(outputs, dict) else {}
