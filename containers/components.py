"""Print the components of the image as CycloneDX: Debian's packages, Python's, and Java's runtime.

usage: python components.py >sbom.cdx.json

Without times and serial numbers, so that the same packages give the same file.
https://cyclonedx.org/docs/1.6/json/, https://github.com/package-url/purl-spec
"""

import importlib.metadata
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

DPKG = ("dpkg-query", "--show", "--showformat=${Package}\t${Version}\t${Architecture}\n")
OS_RELEASE = Path("/etc/os-release")


def list_debian() -> Iterator[dict[str, Any]]:
    """Yield the packages of the system, with the release that they belong to."""
    release = dict(
        line.split("=", 1) for line in OS_RELEASE.read_text().splitlines() if "=" in line
    )
    distribution = release["ID"] + "-" + release["VERSION_ID"].strip('"')
    listed = subprocess.run(DPKG, capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        name, version, architecture = line.split("\t")
        purl = f"pkg:deb/debian/{quote(name)}@{quote(version, safe='')}"
        yield _component(name, version, f"{purl}?arch={architecture}&distro={distribution}")


def list_python() -> Iterator[dict[str, Any]]:
    """Yield the packages that this Python can import."""
    for package in importlib.metadata.distributions():
        # https://packaging.python.org/en/latest/specifications/name-normalization/
        name = re.sub(r"[-_.]+", "-", package.name).lower()
        version = package.version
        yield _component(name, version, f"pkg:pypi/{name}@{quote(version, safe='')}")


def _component(name: str, version: str, purl: str) -> dict[str, Any]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def make_bom() -> dict[str, Any]:
    """Return the document."""
    components = {one["purl"]: one for one in (*list_debian(), *list_python())}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "bactofleet"}},
        "components": [components[purl] for purl in sorted(components)],
    }


if __name__ == "__main__":
    print(json.dumps(make_bom(), indent=1))
