"""Files that hold secrets by the conventions of their programs: they never travel."""

import os
import re
from pathlib import Path

_NAMES = re.compile(
    r"\.env(\..*)?|\.envrc|\.netrc|\.pgpass|\.pypirc|\.npmrc|\.git-credentials|.+\.(pem|p12|pfx)"
    r"|id_(rsa|dsa|ecdsa|ed25519)"
)
_FOLDERS = frozenset({".aws", ".ssh", ".gnupg", ".azure", ".gcloud"})


def is_secret(path: str) -> bool:
    """Whether a file, or what a link leads to, has the name of a file of secrets."""
    return any(
        _NAMES.fullmatch(name.name.lower()) or _FOLDERS & set(name.parts)
        for name in (Path(path), Path(os.path.realpath(path)))
    )
