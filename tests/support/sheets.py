"""Check sample sheets that a test writes into the working directory."""

from pathlib import Path

import pytest

from bactofleet.core.config import load_schema
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.samples import Samples, check_samples

SCHEMA = load_schema(Path(__file__).parents[2] / "workflow/schemas/samples.schema.yaml")
HEADER = "sample\taccession\tr1\tr2\tassembly\tgenome_size\tspecies"


def write_sheet(text: str) -> Path:
    """Write `samples.tsv` as it is given, byte by byte."""
    path = Path("samples.tsv")
    path.write_bytes(text.encode())
    return path


def check(*rows: str, header: str = HEADER) -> Samples:
    """Return the samples of a sheet of these rows."""
    return check_samples(write_sheet("\n".join((header, *rows)) + "\n"), SCHEMA)


def problems_of(*rows: str, header: str = HEADER) -> list[str]:
    """Return what is wrong with a sheet of these rows."""
    return problems_of_text("\n".join((header, *rows)) + "\n")


def problems_of_text(text: str) -> list[str]:
    """Return what is wrong with a sheet of this text."""
    with pytest.raises(ConfigurationError) as caught:
        check_samples(write_sheet(text), SCHEMA)
    return caught.value.problems
