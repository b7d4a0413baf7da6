"""Pretend to assemble: `assemble.py BEHAVIOUR READS CONTIGS`.

BEHAVIOUR is `succeed`, or words with a colon: `wait:SECONDS`, `wait:SECONDS:ATTEMPTS`, `exit:CODE`,
`exit:CODE:ATTEMPTS` (only in the attempts 1 to ATTEMPTS on the first queue), `memory:MIB` (takes
that much).
"""

import os
import sys
import time
from pathlib import Path


def fail(code: str) -> None:
    """Leave the exit code where the entry point of the container reads it."""
    path = os.environ.get("SNAKEMAKE_JOB_EXIT_CODE_FILE")
    if path:
        Path(path).write_text(f"{code}\nassembly: told to fail with {code}\n")
    sys.exit(int(code))


def is_among(attempts: list[str]) -> bool:
    """Whether this attempt is one of the first on the first queue, or all are meant."""
    if not attempts:
        return True
    on_first_queue = os.environ["AWS_BATCH_JQ_NAME"] == "genomes"
    return on_first_queue and int(os.environ["AWS_BATCH_JOB_ATTEMPT"]) <= int(attempts[0])


def behave(word: str, *values: str) -> None:
    """Do what the sample's behaviour says."""
    if word == "wait" and is_among([*values[1:]]):
        print("assembling", flush=True)
        time.sleep(float(values[0]))
    elif word == "memory":
        bytearray(int(values[0]) * 1024 * 1024)
    elif word == "exit" and is_among([*values[1:]]):
        print("cannot assemble these reads", file=sys.stderr)
        fail(values[0])


def main(behaviour: str, reads: str, contigs: str) -> None:
    """Reverse the reads."""
    behave(*behaviour.split(":"))
    Path(contigs).write_text("".join(reversed(Path(reads).read_text().splitlines(True))))


if __name__ == "__main__":
    main(*sys.argv[1:])
