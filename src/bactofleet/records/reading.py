"""How records are read: complete and of the right type, or an error with the reason.

Records are made on other computers and hold text from users and tools, so nothing in them is
trusted. All code reads them through this module, so that all agree on what is readable.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

import msgspec

from bactofleet.core.errors import BactofleetError
from bactofleet.core.files import only_regular
from bactofleet.core.text import clean
from bactofleet.records.folder import SUFFIX

UNREADABLE = "unreadable"
# Most receipts have 3 kB, those of many runs more.
MAX_BYTES = 16 << 20
# No property of a genome is larger; larger numbers would not fit a table's integers.
_LARGEST = 10**15
Number = (
    Annotated[int, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]
    | Annotated[float, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]
)
"""A finite number; JSON of Python's own `NaN` and `Infinity` is none."""


class Unreadable(BactofleetError):
    """A record cannot be read; the message names it, the reason and the remedy."""


class _Named(Protocol):
    @property
    def sample(self) -> str: ...


Record = TypeVar("Record", bound=_Named)


def read_record(folder: Path, sample: str, decoder: msgspec.json.Decoder[Record]) -> Record:
    """Read the record of a sample in a folder of records.

    Raises `FileNotFoundError` if there is none, and `Unreadable`.
    """
    try:
        # Text, because there may be 67,000 of them, for which `Path` takes a second.
        path = f"{folder}/{sample}{SUFFIX}"
        with open(path, "rb", buffering=0, opener=only_regular) as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
            record = decoder.decode(file.read())
        if record.sample == sample:
            return record
        problem = f"it belongs to another sample, {clean(record.sample)!r}"
    except FileNotFoundError:
        raise
    # JSON that is nested a thousand levels deep raises RecursionError.
    except (OSError, ValueError, RecursionError) as error:
        problem = describe(error)
    raise Unreadable(
        f"{folder.name}/{sample}{SUFFIX} cannot be read ({problem}); "
        "remove it to make the genome again"
    )


def describe(error: Exception) -> str:
    """Describe why a record cannot be read."""
    text = clean(error)
    if "`$.schema`" in text:
        return f"it is of another version of bactofleet: {text}"
    return text
