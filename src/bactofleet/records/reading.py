"""How a record is read: whole and of its type, or with the reason why it cannot be.

Records are made on other computers and carry text from users and tools, so nothing in them is
trusted. Everyone reads them here, so that all agree about what can be read.
"""

# Paths are text where there may be 67,000 of them: `Path` takes a second for those.
# ruff: noqa: PTH123

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import msgspec

from bactofleet.core.errors import BactofleetError
from bactofleet.records.folder import SUFFIX

UNREADABLE = "unreadable"
# Larger numbers are no property of a genome, and would not fit the integers of a table.
_LARGEST = 10**15
Number = (
    Annotated[int, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]
    | Annotated[float, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]
)
"""A finite number; JSON of Python's own `NaN` and `Infinity` is none."""


class Unreadable(BactofleetError):
    """A record cannot be read; the message names it and the reason, and says what helps."""


class _Named(Protocol):
    @property
    def sample(self) -> str: ...


Record = TypeVar("Record", bound=_Named)


def read_record(folder: Path, sample: str, decoder: msgspec.json.Decoder[Record]) -> Record:
    """Read the record of a sample in a folder of records.

    Raises `FileNotFoundError` where there is none, and `Unreadable`.
    """
    try:
        with open(f"{folder}/{sample}{SUFFIX}", "rb", buffering=0) as file:
            record = decoder.decode(file.read())
        if record.sample == sample:
            return record
        problem = f"it belongs to another sample, {clean(record.sample)!r}"
    except FileNotFoundError:
        raise
    # JSON nested a thousand deep is a RecursionError.
    except (OSError, ValueError, RecursionError) as error:
        problem = describe(error)
    raise Unreadable(
        f"{folder.name}/{sample}{SUFFIX} cannot be read ({problem}); "
        "remove it to make the genome again"
    )


def describe(error: Exception) -> str:
    """Say what keeps a record from being read."""
    text = clean(error)
    if "`$.schema`" in text:
        return f"it is of another version of bactofleet: {text}"
    return text


def clean(value: Any) -> str:
    """Return text that fits one cell: no control characters, no halves of characters."""
    text = str(value)
    if text.isprintable():
        return text.strip()
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", whole).strip()
