"""`bactofleet doctor`: its options, and how findings are told."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial

from botocore.exceptions import BotoCoreError

from bactofleet.aws.faults import explain
from bactofleet.aws.session import open_session
from bactofleet.aws.settings import effective_settings
from bactofleet.doctor import cloud, local
from bactofleet.doctor.account import Account
from bactofleet.doctor.findings import ERROR, WARNING, Finding, Judge, guarded
from bactofleet.doctor.work import Work, read_work
from bactofleet.errors import BactofleetError


class Unwell(BactofleetError):
    """Some findings are errors."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "doctor", help="look for what would go wrong, here and on AWS; changes nothing"
    )
    parser.set_defaults(run=run)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(args: argparse.Namespace) -> None:
    """Carry out the command; raises `Unwell` where a finding is an error."""
    findings = []
    for finding in _examine():
        findings.append(finding)
        if not args.json:
            print(_line(finding), flush=True)
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    errors = sum(finding.level == ERROR for finding in findings)
    if errors:
        raise Unwell(f"Errors: {errors}. docs/aws.md says more.")


def _examine() -> Iterator[Finding]:
    works: list[Work] = []
    yield from guarded(Judge("samples"), partial(_read, works))
    work = works[0] if works else Work()
    yield from local.examine(work)
    settings: dict[str, str] = {}
    yield from guarded(Judge("settings"), partial(_read_settings, settings))
    yield from _examine_aws(settings, work)


def _read(works: list[Work], judge: Judge) -> Iterator[Finding]:
    works.append(read_work())
    yield judge.ok(f"configuration and sheet are good: {works[0].genomes:,} genomes")


def _read_settings(settings: dict[str, str], judge: Judge) -> Iterator[Finding]:
    settings |= effective_settings()
    yield from ()


def _examine_aws(settings: dict[str, str], work: Work) -> Iterator[Finding]:
    """Look at AWS; for those who never deployed what is missing there is no error."""
    try:
        account = Account(open_session(None))
    except BotoCoreError as error:
        fault = explain(error)
        findings: Iterator[Finding] = iter(
            [Judge("credentials").error(fault.message, fault.remedy)]
        )
    else:
        findings = cloud.examine(account, settings, work)
    for finding in findings:
        is_error = finding.level == ERROR and not settings
        yield replace(finding, level=WARNING) if is_error else finding


def _line(finding: Finding) -> str:
    remedy = f"; {finding.remedy}" if finding.remedy else ""
    return f"{finding.level:<8}{finding.check}: {finding.message}{remedy}"
