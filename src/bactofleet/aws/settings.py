"""The settings file that `bactofleet aws deploy` writes for profiles/aws.

The profile reads it whenever Snakemake starts; git ignores it. Environment variables and
command-line options override it.
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

# Names of the executor's settings (docs/executor.md), and the stack outputs that they come from.
OUTPUTS = {
    "bucket": "Bucket",
    "job-queue": "JobQueue",
    "fallback-queue": "FallbackQueue",
    "job-role": "JobRole",
    "execution-role": "ExecutionRole",
    "controller-queue": "ControllerQueue",
    "controller-role": "ControllerRole",
}
# Settings that start with this are for `bactofleet launch`; Snakemake has no such options.
LAUNCH_ONLY = "controller-"


def read_settings() -> dict[str, str]:
    """Return the executor's settings in the file by name; an empty dictionary without the file.

    Raises `ConfigurationError` if the file is not a mapping of names to values.
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
    """Return the settings as the executor sees them: environment variables override the file."""
    environment = {
        name.removeprefix(VARIABLE).lower().replace("_", "-"): value
        for name, value in os.environ.items()
        if name.startswith(VARIABLE)
    }
    return read_settings() | environment


def profile_entries() -> dict[str, str]:
    """Return the settings as Snakemake options for the profile."""
    return {
        f"aws-batch-array-{name}": value
        for name, value in read_settings().items()
        if not name.startswith(LAUNCH_ONLY)
    }


def settings_of(outputs: dict[str, str], region: str) -> dict[str, str]:
    """Return the settings from a stack's outputs."""
    return {"region": region} | {name: outputs[output] for name, output in OUTPUTS.items()}


def write_settings(settings: dict[str, str]) -> None:
    """Write the file, replacing an existing one."""
    write_atomically(SETTINGS, format_settings(settings))


def format_settings(settings: dict[str, str]) -> str:
    """Return the text of a settings file."""
    text: str = yaml.safe_dump(settings, sort_keys=False)
    return HEADER + text


def remove_settings(bucket: str) -> None:
    """Remove the file if it belongs to the stack with this bucket."""
    if read_settings().get("bucket") == bucket:
        SETTINGS.unlink()
