"""Fetch the files that a row of the sheet gives by URL."""

from __future__ import annotations

import sys
from pathlib import Path

from bactofleet.archives import https, web
from bactofleet.archives.retry import Denied, NotFound, Say
from bactofleet.core.destination import is_s3
from bactofleet.core.errors import MissingInput, TooLarge


def fetch(
    url: str,
    target: Path,
    say: Say,
    max_bytes: int = sys.maxsize,
    named_in: str = "the sample sheet",
) -> https.Fetched:
    """Download the file at an `s3://` or `https://` URL to `target`.

    Raises `TooLarge` if it has more than `max_bytes`, announced or not.

    Raises `MissingInput` if the file does not exist or access is denied, which another attempt
    would not change; `TemporaryFailure` for faults that may pass; and `OSError` for disk errors.
    """
    try:
        if not is_s3(url):
            return https.download(url, target, say, max_bytes=max_bytes)
        # Imported here because boto3 takes longer to start than a small file takes to download.
        from bactofleet.archives import s3  # noqa: PLC0415

        client, found = s3.look_up(url, say)
        if found.bytes > max_bytes:
            raise TooLarge(url, max_bytes)
        return s3.download(client, found, target, say)
    except Denied as error:
        raise MissingInput(f"{error}; the run lacks the right to read it") from error
    except NotFound as error:
        raise MissingInput(f"{error}; correct {named_in}") from error


def find(url: str) -> None:
    """Ask once whether there is a file at an `s3://` or `https://` URL, without fetching it.

    Raises `NotFound`, `Denied` or `TemporaryFailure`.
    """
    if is_s3(url):
        from bactofleet.archives import s3  # noqa: PLC0415

        s3.look_up(url, lambda _: None)
    else:
        # One byte, as some servers refuse HEAD.
        with web.open_url(url, {"Range": "bytes=0-0"}):
            pass
