"""Rows of failures.tsv, as the executor writes them."""

from pathlib import Path

from snakemake_executor_plugin_aws_batch_array.tables import FailureRow, Table


def write_failure(results: Path, sample: str, time: str, following: str = "final") -> None:
    """Add that the job of a sample failed at a time (ISO 8601), and what follows."""
    row = FailureRow(
        time=time,
        run="r1",
        job="genome",
        target=f"results/receipts/{sample}.json",
        queue="genomes",
        job_id="a1b2:7",
        cause="exit",
        exit_code=1,
        reclaimed=0,
        next=following,
        reason="exit code 1; skesa ended with exit status 1",
        log_url="https://console.example/log",
    )
    results.mkdir(exist_ok=True)
    Table(results / "failures.tsv", FailureRow).append([row])
