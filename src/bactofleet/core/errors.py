"""Everything that can go wrong: one type for each kind, because each is treated differently.

BactofleetError
├── ConfigurationError      the user's configuration or sample sheet: stop at once
├── Excluded                biology: the genome ends `excluded`, with a row in the table
└── StageFailure            the genome ends `failed`, unless another attempt helps
├── TemporaryFailure    staging, a full disk, a vanished file: try again (exit 75)
├── OutOfMemory         killed for memory: again with more memory (exit 137)
├── IllegalInstruction  built for another CPU: again on another host (exit 132)
├── MissingInput        a file that the sheet names is not there: final (exit 1)
├── DeliveryRefused     no such bucket, or no right to write to it: final (exit 1)
└── ToolFailure         a tool said no: final (exit 1)
"""

from __future__ import annotations

from snakemake_executor_plugin_aws_batch_array import api


class BactofleetError(Exception):
    """Base of all errors that bactofleet raises on purpose."""


class ConfigurationError(BactofleetError):
    """The configuration or the sample sheet is wrong; `problems` lists everything found."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Excluded(BactofleetError):
    """The data are intact but cannot become a genome.

    `kind` is the error type in the name of Bactopia's error file, `<sample>-<kind>-error.txt`,
    with underscores for the hyphens of the sample.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class TooLarge(Excluded):
    """A file has more bytes, as it comes or unpacked, than a genome can take."""

    def __init__(self, name: str, max_bytes: int) -> None:
        super().__init__(
            "file-size",
            f"{name} has more than {max_bytes:,} bytes, the most for a genome of max_genome_size",
        )


class StageFailure(BactofleetError):
    """A stage of one genome did not finish."""

    exit_code = 1
    kind = "tool"


class TemporaryFailure(StageFailure):
    """A temporary problem outside the genome's data (EX_TEMPFAIL of sysexits.h)."""

    exit_code = api.TEMPORARY
    kind = "infrastructure"


class OutOfMemory(StageFailure):
    """A tool ran out of memory: the kernel or its own limit ended it (128 + SIGKILL)."""

    exit_code = api.OUT_OF_MEMORY
    kind = "infrastructure"


class IllegalInstruction(StageFailure):
    """A binary met a CPU that lacks an instruction (128 + SIGILL)."""

    exit_code = api.ILLEGAL_INSTRUCTION
    kind = "infrastructure"


class MissingInput(StageFailure):
    """A URL of the sample sheet leads to nothing, or to something that we may not read."""

    kind = "input"


class DeliveryRefused(StageFailure):
    """The results' bucket does not exist or may not be written to."""

    kind = "infrastructure"


class ToolFailure(StageFailure):
    """A tool ended with an error of its own."""


RETRYABLE_EXIT_CODES = frozenset(
    failure.exit_code for failure in (TemporaryFailure, OutOfMemory, IllegalInstruction)
)
