"""Where the executor keeps things: its folder in the bucket, its files in the report folder."""

from pathlib import Path

DEFAULT_PREFIX = "snakemake"

# Below the folder of the setting report-dir.
FAILURES = "failures.tsv"
USAGE = "usage.tsv"
STATE_FOLDER = Path(".aws-batch-array")
LEDGER = STATE_FOLDER / "ledger.sqlite"


def get_runs_folder(prefix: str = DEFAULT_PREFIX) -> str:
    """Key, with a slash at its end, below which each run has a folder in the bucket."""
    return f"{prefix}/runs/"
