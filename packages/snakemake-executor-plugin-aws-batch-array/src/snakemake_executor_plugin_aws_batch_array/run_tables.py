"""Writes down how children ended: usage.tsv, failures.tsv, and the text for the terminal."""

from pathlib import Path

from .client import ArrayBatchClient
from .collector import Collected
from .failures import FailureReport, build_failure
from .logs import LogReader
from .monitor import EndedChild
from .paths import FAILURES, USAGE
from .retrying import Retrier
from .status import ChildFailure, count_reclaimed
from .tables import SUCCEEDED, FailureRow, Table, UsageRow
from .usage import build_earlier_rows, build_last_row


class RunTables:
    """The two tables of a run."""

    def __init__(
        self,
        run: str,
        region: str,
        folder: Path,
        client: ArrayBatchClient,
        logs: LogReader,
        retrier: Retrier,
    ) -> None:
        self._run = run
        self._region = region
        self._client = client
        self._logs = logs
        self._usage = Table(folder / USAGE, UsageRow, retrier.ask)
        self._failures = Table(folder / FAILURES, FailureRow, retrier.ask)

    def record_usage(self, portion: list[Collected]) -> int:
        """Add a row for every attempt of these children.

        Returns:
            How many attempts of those that succeeded in the end had lost their host.
        """
        rows: list[UsageRow] = []
        retried: dict[str, EndedChild] = {}
        for ended, record, _ in portion:
            if record:
                rows.append(build_last_row(ended, self._run, SUCCEEDED, record))
                if record["attempt"] > 1:
                    retried[ended.array.get_child_id(ended.index)] = ended
            else:
                attempts = ended.summary.get("attempts", [])
                rows += build_earlier_rows(ended, self._run, attempts, self._logs)
        reclaimed = 0
        for detail in self._client.describe_existing(list(retried)).values():
            earlier = detail["attempts"][:-1]
            reclaimed += count_reclaimed(earlier)
            rows += build_earlier_rows(retried[detail["jobId"]], self._run, earlier, self._logs)
        self._usage.append(rows)
        return reclaimed

    def report_failure(
        self, ended: EndedChild, failure: ChildFailure, made: list[str], following: str
    ) -> FailureReport:
        """Add the rows of a failed child, which may have made some outputs; return its report."""
        report = build_failure(ended, failure, made, self._run, self._region, following, self._logs)
        self._failures.append(report.rows)
        return report
