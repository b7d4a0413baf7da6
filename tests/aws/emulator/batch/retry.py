"""Retry strategies: which failed attempts are tried again.

AWS: https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html and
https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html
moto 5.2.5 stores ``retryStrategy`` and runs every job once.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from moto.batch.exceptions import ClientException

MAX_ATTEMPTS = 10
EXITED = "Essential container in task exited"
MAX_RULES = 5
PATTERNS = {
    "onStatusReason": re.compile(r"[A-Za-z0-9.:\s]{0,512}\*?"),
    "onReason": re.compile(r"[A-Za-z0-9.:\s]{0,512}\*?"),
    "onExitCode": re.compile(r"[0-9]{0,512}\*?"),
}


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, in the words of DescribeJobs."""

    status_reason: str
    exit_code: int | None = None
    reason: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the container ran and exited 0."""
        return self.exit_code == 0

    def field_of(self, condition: str) -> str:
        """The text that a condition of an ``evaluateOnExit`` rule looks at; empty when absent."""
        exit_code = "" if self.exit_code is None else str(self.exit_code)
        return {
            "onStatusReason": self.status_reason,
            "onReason": self.reason or "",
            "onExitCode": exit_code,
        }[condition]


@dataclass(frozen=True)
class RetryStrategy:
    """``retryStrategy`` of a job: at most ``attempts`` tries; the first rule that fits decides."""

    attempts: int = 1
    rules: tuple[dict[str, str], ...] = field(default=())

    def retries(self, outcome: Outcome, attempts_made: int) -> bool:
        """Whether a failed attempt is followed by another; what no rule matches is retried."""
        if attempts_made >= self.attempts:
            return False
        rule = next((rule for rule in self.rules if _matches(rule, outcome)), None)
        return rule is None or rule["action"].upper() == "RETRY"

    def describe(self) -> dict[str, Any]:
        """The strategy as DescribeJobs shows it."""
        return {"attempts": self.attempts, "evaluateOnExit": [dict(rule) for rule in self.rules]}


def _matches(rule: dict[str, str], outcome: Outcome) -> bool:
    """All conditions of a rule must hold; only a trailing ``*`` is a wildcard."""
    return all(
        _glob(pattern, outcome.field_of(condition))
        for condition, pattern in rule.items()
        if condition != "action"
    )


def _glob(pattern: str, text: str) -> bool:
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return text == pattern


def parse_retry_strategy(strategy: dict[str, Any] | None) -> RetryStrategy:
    """Check and read a ``retryStrategy``; none is one attempt.

    Raises ClientException for more than ten attempts, more than five rules, or a malformed rule.
    """
    if not strategy:
        return RetryStrategy()
    attempts = strategy.get("attempts")
    rules = strategy.get("evaluateOnExit") or []
    if rules and attempts is None:
        raise ClientException("attempts must be specified when evaluateOnExit is specified")
    if attempts is not None and not 1 <= attempts <= MAX_ATTEMPTS:
        raise ClientException(f"attempts must be between 1 and {MAX_ATTEMPTS}, not {attempts}")
    if len(rules) > MAX_RULES:
        raise ClientException(f"evaluateOnExit has {len(rules)} rules, at most {MAX_RULES}")
    for rule in rules:
        _check_rule(rule)
    return RetryStrategy(attempts or 1, tuple(rules))


def _check_rule(rule: dict[str, str]) -> None:
    if rule.get("action", "").upper() not in ("RETRY", "EXIT"):
        raise ClientException(f"action of evaluateOnExit must be RETRY or EXIT: {rule}")
    for condition, pattern in PATTERNS.items():
        if condition in rule and not pattern.fullmatch(rule[condition]):
            raise ClientException(f"{condition} of evaluateOnExit is malformed: {rule[condition]}")
