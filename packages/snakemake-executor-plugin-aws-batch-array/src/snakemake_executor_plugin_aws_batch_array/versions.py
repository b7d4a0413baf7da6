"""Controller and image must have matching versions of Snakemake and of this plugin.

The plugin's version decides the format of manifests, bundles and returned objects. A child gets the
Snakemake command line of the controller's version, which stays the same within a minor version.
"""

import json
from importlib.metadata import version

__version__ = "0.1.0"


def get_versions() -> dict[str, str]:
    """Return the versions in this environment that must be equal in controller and image."""
    minor = ".".join(version("snakemake").split(".")[:2])
    return {"snakemake": minor, "snakemake-executor-plugin-aws-batch-array": __version__}


def format_versions() -> str:
    """Return them as the text that the controller passes to its children."""
    return json.dumps(get_versions())


def find_mismatch(text: str) -> str:
    """Compare the controller's versions with those of this image; say what differs, if anything."""
    here = get_versions()
    return "; ".join(
        f"the image has {name} {here.get(name)}, the controller has {wanted}"
        for name, wanted in json.loads(text).items()
        if here.get(name) != wanted
    )
