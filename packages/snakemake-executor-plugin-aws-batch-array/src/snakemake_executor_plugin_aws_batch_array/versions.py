"""Controller and image must have matching versions of Snakemake and of this plugin.

The plugin's version decides the format of manifests, bundles and returned objects. A child gets the
Snakemake command line of the controller's version, which stays the same within a minor version.
Other packages that a workflow imports in both are compared if a setting names them.
"""

import json
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

__version__ = "0.1.0"


def get_versions(packages: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions in this environment that must be equal in controller and image.

    Those of `packages` are empty where a package is missing.
    """
    minor = ".".join(version("snakemake").split(".")[:2])
    own = {"snakemake": minor, "snakemake-executor-plugin-aws-batch-array": __version__}
    return {name: _find_version(name) for name in packages} | own


def _find_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def format_versions(packages: Iterable[str] = ()) -> str:
    """Return them as the text that the controller passes to its children."""
    return json.dumps(get_versions(packages))


def find_mismatch(text: str) -> str:
    """Compare the controller's versions with those of this image; say what differs, if anything."""
    wanted: dict[str, str] = json.loads(text)
    here = get_versions(wanted)
    return "; ".join(
        f"the image has {name} {here[name] or '(none)'}, the controller has {wanted[name]}"
        for name in wanted
        if here[name] != wanted[name]
    )
