"""Remove from the tools' outputs what differs between two identical runs: times and paths."""

from __future__ import annotations

import re
from pathlib import Path

EPOCH_GENBANK = "01-JAN-1980"
MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_GENBANK_DATE = re.compile(rf"(?m)^(LOCUS .*?)\d\d-(?:{MONTHS})-\d{{4}}$")
_ASN1_DATE = re.compile(r"(date\s+std \{\s+year )\d+( ,\s+month )\d+( ,\s+day )\d+")
# tbl2asn's record of its own clean-up of each contig (NcbiCleanup).
_ASN1_CLEANUP = re.compile(r'(str\s+"(year|month|day)" ,\s+data\s+int )\d+')
EPOCH_ASN1 = {"year": 1980, "month": 1, "day": 1}
# Lines of prokka's log that come in any order: its files, in the order of the file system, and the
# products that it renamed, in the order in which parallel searches ended.
_UNORDERED = re.compile(r"(?m)(?:^\[TIME\] (?:prokka/|Modify product: ).*\n)+")
_VOLATILE = [
    (re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w* \w{3} +\d+ [\d:]{8}( \w+)? \d{4}"), "DATE"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DATE"),
    (re.compile(r"\b\d\d:\d\d:\d\d(\.\d+)?\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? (seconds|minutes|hours|secs?|mins?)\b"), r"N \2"),
    (re.compile(r"(\.tmp\\?\.)\d+(\\?\.)"), r"\1PID\2"),  # prokka's temporary files
    # prokka's last message depends on whether its number of seconds is even.
    (re.compile(r"Thank you, come again\."), "Share and enjoy!"),
]


def fix_genbank_date(text: str) -> str:
    """Set the date of a GenBank file's LOCUS lines to 1 January 1980."""
    return _GENBANK_DATE.sub(rf"\g<1>{EPOCH_GENBANK}", text)


def fix_asn1_date(text: str) -> str:
    """Set the dates of an ASN.1 (.sqn) file to 1 January 1980."""
    text = _ASN1_DATE.sub(r"\g<1>1980\g<2>1\g<3>1", text)
    return _ASN1_CLEANUP.sub(lambda match: f"{match[1]}{EPOCH_ASN1[match[2]]}", text)


def fix_log(text: str, folder: Path) -> str:
    """Replace dates, times and process ids by placeholders; make paths below `folder` relative.

    Lines in random order are sorted.
    """
    text = text.replace(str(folder), ".")
    for pattern, word in _VOLATILE:
        text = pattern.sub(word, text)
    return _UNORDERED.sub(lambda match: "".join(sorted(match[0].splitlines(keepends=True))), text)
