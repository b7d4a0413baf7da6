"""What an attempt says about itself and its host, as a JSON object of plain values."""

import json
from typing import Any

MAX_RECORD_BYTES = 64 * 1024


def parse_record(content: bytes | str) -> dict[str, Any]:
    """Read a record and check it, because a container may have written anything.

    Raises:
        ValueError: it is too long, not JSON, nested, or without the number of its attempt.
    """
    if len(content) > MAX_RECORD_BYTES:
        raise ValueError(f"a record has at most {MAX_RECORD_BYTES} bytes")
    try:
        record = json.loads(content)
    except RecursionError as error:
        raise ValueError("a record is not nested") from error
    if not isinstance(record, dict) or any(isinstance(v, dict | list) for v in record.values()):
        raise ValueError("a record is an object of plain values")
    if type(record.get("attempt")) is not int:
        raise ValueError("a record has the number of its attempt")
    return record
