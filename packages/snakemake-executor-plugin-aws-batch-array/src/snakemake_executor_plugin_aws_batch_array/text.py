"""Text that others wrote (tools, archives, AWS), made fit for a terminal and for a table."""

import re

# What a terminal obeys, begun by ESC or by a control character of C1 (ECMA-48, 5.4 and 5.6), and
# marks that change the direction of writing, so that text shows as what it is not (UAX #9).
_UNSEEN = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[P\]X^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x80-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
    "|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# With the full width forms that spreadsheets read alike; a quote may be taken for that of a cell.
_FORMULA = re.compile('["\\s]*[=+\\-@\uff1d\uff0b\uff0d\uff20]')


def clean(value: object) -> str:
    """Return one line that a terminal shows and does not obey, without halves of characters."""
    return _show(str(value)).strip()


def clean_lines(value: object) -> str:
    """Return lines that are clean, and indented as they were."""
    return "\n".join(_show(line).rstrip() for line in str(value).split("\n"))


def to_cell(value: object) -> str:
    """Return a clean cell of a table, "" for None.

    Text that a spreadsheet would compute has an apostrophe before it; numbers stay as they are
    (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    text = "" if value is None else clean(value)
    return f"'{text}" if _FORMULA.match(text) and not _is_number(text) else text


def _show(line: str) -> str:
    if line.isprintable():
        return line
    whole = line.encode("utf-8", "replace").decode("utf-8")
    return _CONTROLS.sub(" ", _UNSEEN.sub("", whole))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
