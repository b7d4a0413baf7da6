"""The file by which `bactofleet aws deploy` tells profiles/aws what stands in the account.

The profile reads it whenever Snakemake starts; git ignores it. What is in the environment or on
the command line counts more.
"""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from bactofleet.core.errors import ConfigurationError
from bactofleet.core.files import write_atomically

SETTINGS = Path("profiles/aws/account.yaml")
VARIABLE = "SNAKEMAKE_AWS_BATCH_ARRAY_"
HEADER = "# Written by `bactofleet aws deploy` and `bactofleet aws push`; profiles/aws reads it.\n"

# Names of the executor's settings (docs/executor.md), and the outputs of the stack they come from.
OUTPUTS = {
    "bucket": "Bucket",
    "job-queue": "JobQueue",
    "fallback-queue": "FallbackQueue",
    "job-role": "JobRole",
    "execution-role": "ExecutionRole",
}


def read_settings() -> dict[str, str]:
    """Return the executor's settings that the file holds, by name; none where there is no file.

    Raises `ConfigurationError` where it is no mapping of names to values.
    """
    if not SETTINGS.is_file():
        return {}
    try:
        data = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError([f"{SETTINGS} is not YAML: {error}"]) from error
    if not isinstance(data, dict):
        raise ConfigurationError(
            [f"{SETTINGS} is no list of settings; write it anew with `bactofleet aws deploy`"]
        )
    return {str(name): str(value) for name, value in data.items()}


def effective_settings() -> dict[str, str]:
    """Return the settings as the executor will see them: the environment before the file."""
    environment = {
        name.removeprefix(VARIABLE).lower().replace("_", "-"): value
        for name, value in os.environ.items()
        if name.startswith(VARIABLE)
    }
    return read_settings() | environment


def profile_entries() -> dict[str, str]:
    """Return what the settings are in the profile: options of Snakemake."""
    return {f"aws-batch-array-{name}": value for name, value in read_settings().items()}


def settings_of(outputs: dict[str, str], region: str) -> dict[str, str]:
    """Return the settings that a stack's outputs give."""
    return {"region": region} | {name: outputs[output] for name, output in OUTPUTS.items()}


def write_settings(settings: dict[str, str]) -> None:
    """Write the file anew."""
    write_atomically(SETTINGS, HEADER + yaml.safe_dump(settings, sort_keys=False))


def remove_settings(bucket: str) -> None:
    """Remove the file if it is about the stack that had this bucket."""
    if read_settings().get("bucket") == bucket:
        SETTINGS.unlink()
