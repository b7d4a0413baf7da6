"""Put a tarball with the contigs to S3 or a folder and write the receipt.

`publish.py SAMPLE CONTIGS DESTINATION RECEIPT`
"""

import gzip
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path
from urllib.parse import urlparse

import boto3


def pack(sample: str, contigs: str) -> bytes:
    """Make a tarball that depends on nothing but its content."""
    content = Path(contigs).read_bytes()
    member = tarfile.TarInfo(f"{sample}/contigs.txt")
    member.size = len(content)
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def store(destination: str, name: str, tarball: bytes) -> str:
    """Write the tarball and return where it is."""
    url = urlparse(destination)
    if url.scheme != "s3":
        Path(destination).mkdir(parents=True, exist_ok=True)
        Path(destination, name).write_bytes(tarball)
        return f"{destination}/{name}"
    key = f"{url.path.strip('/')}/{name}"
    boto3.client("s3").put_object(Bucket=url.netloc, Key=key, Body=tarball)
    return f"s3://{url.netloc}/{key}"


def main(sample: str, contigs: str, destination: str, receipt: str) -> None:
    """Publish one genome."""
    tarball = pack(sample, contigs)
    where = store(destination, f"{sample}.tar.gz", tarball)
    Path(receipt).write_text(
        json.dumps(
            {
                "sample": sample,
                "status": "complete",
                "tarball": where,
                "sha256": hashlib.sha256(tarball).hexdigest(),
            }
        )
        + "\n"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
