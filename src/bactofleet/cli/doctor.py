"""`bactofleet doctor`: its options and the output of its findings."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from botocore.exceptions import BotoCoreError

from bactofleet.aws.faults import explain
from bactofleet.aws.session import open_session
from bactofleet.aws.settings import effective_settings
from bactofleet.core.config import CONFIG_FILE
from bactofleet.core.destination import is_s3
from bactofleet.core.errors import BactofleetError, ConfigurationError
from bactofleet.core.text import clean_lines, counted
from bactofleet.doctor import cloud, local
from bactofleet.doctor.account import Account
from bactofleet.doctor.findings import ERROR, WARNING, Check, Finding
from bactofleet.doctor.work import Work, read_work


class ChecksFailed(BactofleetError):
    """Some findings are errors."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=run)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(args: argparse.Namespace) -> None:
    """Run the command; raises `ChecksFailed` if a finding is an error."""
    examine(CONFIG_FILE, as_json=args.json)


def examine(config: Path, *, as_json: bool = False) -> None:
    """Print the findings for a configuration; raises `ChecksFailed` if one is an error."""
    findings = []
    for finding in _examine(config):
        findings.append(finding)
        if not as_json:
            print(clean_lines(_line(finding)), flush=True)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    errors = sum(finding.level == ERROR for finding in findings)
    if errors:
        raise ChecksFailed(f"Errors: {errors}. docs/aws.md says more.")


def _examine(config: Path) -> Iterator[Finding]:
    work = Work()
    try:
        work = read_work(config)
        yield Check("samples").ok(
            f"configuration and sheet are good: {counted(work.genomes, 'genome')}"
        )
    except ConfigurationError as error:
        yield Check("samples").error(str(error), "correct it; `bactofleet check` looks again")
    for problem in work.unreachable if is_s3(work.results) else ():
        yield Check("inputs").error(f"on AWS {problem}", "then `bactofleet check`")
    yield from local.examine(work)
    try:
        settings = effective_settings()
    except ConfigurationError as error:
        yield Check("settings").error(str(error), "`bactofleet aws deploy` writes it anew")
    else:
        yield from _examine_aws(settings, work)


def _examine_aws(settings: dict[str, str], work: Work) -> Iterator[Finding]:
    """Examine AWS; missing resources are no error for users who never deployed."""
    try:
        account = Account(open_session(None))
    except BotoCoreError as error:
        fault = explain(error)
        findings: Iterator[Finding] = iter(
            [Check("credentials").error(fault.message, fault.remedy)]
        )
    else:
        findings = cloud.examine(account, settings, work)
    for finding in findings:
        is_error = finding.level == ERROR and not settings
        yield replace(finding, level=WARNING) if is_error else finding


def _line(finding: Finding) -> str:
    remedy = f"; {finding.remedy}" if finding.remedy else ""
    return f"{finding.level:<8}{finding.check}: {finding.message}{remedy}"
