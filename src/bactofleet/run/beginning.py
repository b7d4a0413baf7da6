"""When a run began: a controller that Batch starts again continues the run of its launch.

What failed since that launch has had all its attempts, and is left to the next launch. Without this
each lost controller would pay for the genomes that always fail once more.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from bactofleet.core.files import write_json

# Names the launch; set for controllers alone.
TOKEN = "BACTOFLEET_TOKEN"  # noqa: S105 - no secret
# Saved in the bucket with the rest of the results folder.
FILE = "launch.json"


def find_beginning(results: Path) -> datetime | None:
    """Return when the run of this launch began; None if it begins now."""
    token = os.environ.get(TOKEN)
    try:
        noted = json.loads((results / FILE).read_text(encoding="utf-8"))
        is_continued = bool(token) and noted["token"] == token
        return datetime.fromisoformat(noted["begun"]) if is_continued else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def note_beginning(results: Path, begun: datetime) -> None:
    """Keep when this launch began, for the controllers that continue it."""
    if token := os.environ.get(TOKEN):
        write_json(results / FILE, {"token": token, "begun": begun.astimezone(UTC).isoformat()})
