"""Read what report.html holds, as the browser unpacks it."""

import base64
import gzip
import json
import re
from typing import Any


def first_match(pattern: str, text: str) -> str:
    """Return the first group of the first match of a pattern that is there."""
    found = re.search(pattern, text)
    assert found
    return found[1]


def embedded(page: str, name: str) -> str:
    """Return what the script element of this id holds."""
    return first_match(rf'<script type="[a-z/]+" id="{name}">([^<]*)</script>', page)


def unpack(packed: str) -> str:
    """Return a packed text."""
    return gzip.decompress(base64.b64decode(packed)).decode()


def unpack_columns(page: str) -> dict[str, dict[str, Any]]:
    """Return the columns of the table by name, with `values` in the order of the sheet."""
    columns = json.loads(embedded(page, "data"))["columns"]
    return {
        column["name"]: column | {"values": json.loads(unpack(column.pop("packed")))}
        for column in columns
    }
