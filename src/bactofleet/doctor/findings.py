"""Results of checks: one line, a level, and the command that fixes the problem."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from bactofleet.aws.faults import explain

OK, WARNING, ERROR = "ok", "warning", "error"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's output."""

    check: str
    level: str
    message: str
    remedy: str = ""


@dataclass(frozen=True)
class Check:
    """One check by its name; creates its findings."""

    name: str

    def ok(self, message: str) -> Finding:
        """Report that something is as it should be."""
        return Finding(self.name, OK, message)

    def warning(self, message: str, remedy: str) -> Finding:
        """Report what may fail or cost more."""
        return Finding(self.name, WARNING, message, remedy)

    def error(self, message: str, remedy: str) -> Finding:
        """Report what will fail."""
        return Finding(self.name, ERROR, message, remedy)


def guarded(check: Check, examine: Callable[[Check], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield the findings of a check; a refusal or an incomplete answer of AWS is also a finding.

    A missing permission to look is only a warning, because everything may be as it should be.
    """
    try:
        yield from examine(check)
    except (BotoCoreError, ClientError) as error:
        fault = explain(error)
        say = check.warning if fault.is_denied else check.error
        yield say(fault.message, fault.remedy)
    except (OSError, LookupError, ValueError, TypeError, AttributeError) as error:
        yield check.error(
            f"AWS's answer does not have the documented form ({error!r})",
            "run the doctor again; the other checks are not affected",
        )
