"""Decide for each experiment found: a row for the sheet, or a reason to leave it out."""

from __future__ import annotations

from collections.abc import Callable

import fastjsonschema

from bactofleet.archives.search.experiments import Experiment, to_row
from bactofleet.archives.search.filters import Limits, Rejection, find_rejection
from bactofleet.core.samples import Row


class Selection:
    """Selects experiments by the rows already in the sheet and by the limits of a search."""

    def __init__(
        self,
        known: set[str],
        limits: Limits,
        sizes: dict[str, int],
        default_size: int,
        check_row: Callable[[Row], object],
    ) -> None:
        self._known = known
        self._limits = limits
        self._sizes = sizes
        self._default_size = default_size
        self._check_row = check_row
        self.in_sheet = 0
        """Experiments seen so far that the sheet has or will have."""

    def select(self, experiment: Experiment) -> Row | Rejection:
        """Return an experiment's row, or why it gets none."""
        names = {name.casefold() for name in experiment.names}
        if same := names & self._known:
            self.in_sheet += 1
            return Rejection("in the sheet", f"the sheet has {', '.join(sorted(same)).upper()}")
        size = self._sizes.get(experiment.library.tax_id) or self._default_size
        if reason := find_rejection(experiment, size, self._limits):
            return reason
        row = to_row(experiment, size)
        try:
            self._check_row(row)
        except fastjsonschema.JsonSchemaException as error:
            return Rejection("metadata", f"what the archive says makes no row: {error.message}")
        self.in_sheet += 1
        self._known.add(experiment.accession.casefold())
        self._known.update(run.accession.casefold() for run in experiment.runs)
        return row
