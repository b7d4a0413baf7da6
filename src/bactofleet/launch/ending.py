"""Which controllers of a run have ended: the last of them writes the report of all shards.

One object has a list of them, to which each adds itself. It is replaced only by whoever has read it
last, so that exactly one controller completes the list. If that one is killed before the report is
there, Batch starts it again, and it finds itself at the end of the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bactofleet.launch.place import Place
from bactofleet.launch.record import TakenError, read_object, read_record, write_object

OBJECT = "ended.json"


@dataclass(frozen=True)
class End:
    """A controller that needs to run Snakemake no more; its state is in the bucket."""

    token: str
    status: int
    """Exit status of Snakemake."""
    has_reported: bool = False
    """Whether it has written the report of all shards."""


class Ends:
    """The list of a run, as one of its controllers or a launch sees it."""

    def __init__(self, s3: Any, run: Place, shards: Sequence[Place]) -> None:
        self._s3, self._run, self._shards = s3, run, shards

    def find(self, token: str) -> End | None:
        """Return the end of a controller; None if it has not ended."""
        ends, _, _ = self._read()
        return next((end for end in ends if end.token == token), None)

    def add(self, end: End) -> None:
        """Add a controller, or replace what is known of it."""
        while True:
            ends, version, _ = self._read()
            others = [each for each in ends if each.token != end.token]
            try:
                write_object(
                    self._s3, self._run, OBJECT, list(map(asdict, [*others, end])), version
                )
            except TakenError:
                continue
            return

    def is_last(self, token: str) -> bool:
        """Say whether all controllers of the last launch have ended, and this one completed it."""
        ends, _, tokens = self._read()
        return {end.token for end in ends} == tokens and ends[-1].token == token

    def is_reported(self) -> bool:
        """Say whether the report of all shards was written after all of them had ended."""
        ends, _, tokens = self._read()
        return {end.token for end in ends} == tokens and ends[-1].has_reported

    def set_reported(self, token: str) -> None:
        """Note that the last controller has written the report, unless others work again."""
        if self.is_last(token) and (end := self.find(token)):
            self.add(replace(end, has_reported=True))

    def _read(self) -> tuple[list[End], str, set[str]]:
        """Return the ends of the last launch, their version, and the tokens of that launch.

        In this order: a controller that was launched later cannot be in the list that was read
        before its token.
        """
        found, version = read_object(self._s3, self._run, OBJECT)
        records = [read_record(self._s3, place)[0] for place in self._shards]
        tokens = {record.token if record else "" for record in records}
        ends = [End(**each) for each in found or []]
        return [end for end in ends if end.token in tokens], version, tokens
