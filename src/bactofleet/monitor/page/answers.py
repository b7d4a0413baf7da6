"""Answers as JSON: the state of the run, rows of genomes, or one genome."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from bactofleet.monitor.page.detail import describe_genome
from bactofleet.monitor.page.updater import ViewUpdater
from bactofleet.monitor.page.view import View

Parameters = dict[str, str]


class BadRequest(Exception):
    """A request that cannot be answered, with the HTTP status and the reason to send."""

    def __init__(self, reason: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(reason)
        self.status = status


def get_state(updater: ViewUpdater, _: Parameters) -> dict[str, Any]:
    """Return everything except single genomes; `time` is missing until the first look has ended."""
    updater.ask()
    summary = updater.view.summary if updater.view else {}
    results = str(updater.observer.results.absolute())
    return {"results": results, "problem": updater.problem, **summary}


def get_genomes(updater: ViewUpdater, query: Parameters) -> dict[str, Any]:
    """Return the rows that changed after version `since`: number in the sample sheet and fields."""
    rows = _get_view(updater).rows
    text = query.get("since", "0")
    try:
        changed = rows.since(float(text))
    except ValueError as error:
        raise BadRequest(f"since is {text!r}; it must be a version, or 0 for all rows") from error
    return {"version": rows.version, "count": len(rows.genomes), "rows": changed}


def get_genome(updater: ViewUpdater, query: Parameters) -> dict[str, Any]:
    """Return everything about one `sample`, including the end of the log of a `stage`."""
    view = _get_view(updater)
    genome = view.by_sample.get(query.get("sample", ""))
    if genome is None:
        raise BadRequest("the sample sheet has no such sample", HTTPStatus.NOT_FOUND)
    failure = view.failures.get(genome.sample)
    return describe_genome(updater.observer.results, genome, failure, query.get("stage", ""))


ANSWERS: dict[str, Callable[[ViewUpdater, Parameters], dict[str, Any]]] = {
    "/api/state": get_state,
    "/api/genomes": get_genomes,
    "/api/genome": get_genome,
}


def _get_view(updater: ViewUpdater) -> View:
    if updater.view is None:
        raise BadRequest(
            "the results are still being read; try again in a moment",
            HTTPStatus.SERVICE_UNAVAILABLE,
        )
    return updater.view
