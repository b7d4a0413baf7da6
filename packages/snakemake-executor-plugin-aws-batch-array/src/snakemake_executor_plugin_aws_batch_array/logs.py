"""The log of an attempt in CloudWatch."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from . import environment
from .records import parse_record
from .retrying import AWS_ERRORS, Retrier

# https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html
LOG_GROUP = "/aws/batch/job"
TAIL_LINES = 30
# The first line names the host; a few more are read because the runtime may warn first.
HEAD_LINES = 10


@dataclass(frozen=True)
class Tail:
    """The last lines of a log and the sentence that the attempt gave as its reason."""

    lines: list[str]
    reason: str = ""


class LogReader:
    """Reads streams of one log group; an unreadable log counts as empty."""

    def __init__(self, client: Any, retrier: Retrier) -> None:
        self._client = client
        self._retrier = retrier

    def get_tail(self, stream: str) -> Tail:
        """Return the end of a log."""
        lines = self._get_lines(stream, limit=TAIL_LINES, startFromHead=False)
        reasons = [line for line in lines if line.startswith(environment.REASON_LINE)]
        return Tail(lines, reasons[-1].removeprefix(environment.REASON_LINE) if reasons else "")

    def get_host(self, stream: str) -> dict[str, Any]:
        """Return what the attempt said about its host when it began."""
        for line in self._get_lines(stream, limit=HEAD_LINES, startFromHead=True):
            if line.startswith(environment.HOST_LINE):
                with suppress(ValueError):  # a rule may print such a line too
                    return parse_record(line.removeprefix(environment.HOST_LINE))
        return {}

    def _get_lines(self, stream: str, **options: Any) -> list[str]:
        try:
            reply = self._retrier.ask(
                lambda: self._client.get_log_events(
                    logGroupName=LOG_GROUP, logStreamName=stream, **options
                )
            )
        except AWS_ERRORS:  # the stream may never have been made, or is gone
            return []
        return [str(event["message"]) for event in reply["events"]]


def get_log_url(region: str, stream: str) -> str:
    """Address of a log in the console, which needs every `%` of an encoded name as `$25`."""
    group, name = (quote(part, safe="").replace("%", "$25") for part in (LOG_GROUP, stream))
    return (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logsV2:log-groups/log-group/{group}/log-events/{name}"
    )
