"""The smallest receipt that is whole, as `publish` writes it."""

from typing import Any

from bactofleet.core.identity import identify
from bactofleet.core.samples import Sample


def make_receipt(sample: str, **changed: Any) -> dict[str, Any]:
    """Return the receipt of a complete genome, with parts of it changed."""
    receipt = {
        "schema": 1,
        "sample": sample,
        "status": "complete",
        "reason": None,
        "input": {"kind": "reads", "sources": ["reads.fastq.gz"]},
        "metrics": {},
        "stages": {"download": {"seconds": 1.5, "cpu_seconds": 0.5, "max_rss_mb": 60.1}},
        "versions": {"bactofleet": "0.1.0"},
        "parameters": {},
        "fingerprint": {"parameters": "ab", "image": "cd"},
        "identity": identify(Sample(sample), "ab", "cd").to_json(),
        "tarball": {"path": f"results/{sample}.tar.gz", "bytes": 12, "sha256": "ef"},
        "image": None,
        "host": {"name": "here"},
        "finished": "2026-11-22T23:00:00Z",
    }
    assert changed.keys() <= receipt.keys()
    return receipt | changed
