"""The user's configuration: checked against its schema, completed with its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from bactofleet.core.errors import ConfigurationError
from bactofleet.core.files import sha256_of

SCHEMAS = Path("workflow/schemas")
# Options that say where and how, not what: they do not change a genome.
NOT_PARAMETERS = frozenset(
    {"samples", "results", "scratch", "redo", "threads", "memory_mb", "max_cost", "providers"}
)
# Options that change how long a genome takes or how large its tarball gets.
COSTLY = frozenset(
    {"assembler", "coverage", "error_correction", "keep", "phix", "polish", "simulate_reads"}
)
SWITCH = {"true": True, "false": False}


def load_schema(path: Path) -> dict[str, Any]:
    """Read a JSON schema written as YAML; raise `ConfigurationError` where there is none."""
    if not path.is_file():
        raise ConfigurationError([f"{path}: there is no such file; run this in the repository"])
    return yaml.safe_load(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def read_config(path: Path) -> dict[str, Any]:
    """Read a configuration file here, in a project's folder, and check it.

    Raises `ConfigurationError` with all that is wrong with it.
    """
    if not path.is_file():
        raise ConfigurationError([f"{path}: there is no such file; run this in the repository"])
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError([f"{path} is not YAML: {error}"]) from error
    return check_config(config, load_schema(SCHEMAS / "config.schema.yaml"), str(path))


def check_config(config: dict[str, Any], schema: dict[str, Any], source: str) -> dict[str, Any]:
    """Return the configuration with defaults for what it leaves out.

    Raises `ConfigurationError` with a line for every wrong option: its name, its value, and what
    is allowed.
    """
    if isinstance(config, dict):
        config = {name: _read_switch(value, schema, name) for name, value in config.items()}
    validator = jsonschema.Draft202012Validator(schema)
    problems = sorted(
        f"{source}: {describe_error(error)}" for error in validator.iter_errors(config)
    )
    if problems:
        raise ConfigurationError(problems)
    defaults = {name: option["default"] for name, option in schema["properties"].items()}
    complete = defaults | config
    # The one rule about two options, which a schema cannot say.
    smallest, largest = complete["min_genome_size"], complete["max_genome_size"]
    if smallest > largest:
        problem = f"min_genome_size: {smallest} is given, allowed is at most {largest}"
        raise ConfigurationError([f"{source}: {problem} (max_genome_size)"])
    return complete


def parameters_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that decide what a genome becomes, files by their contents."""
    chosen = {key: value for key, value in sorted(config.items()) if key not in NOT_PARAMETERS}
    if chosen.get("proteins"):
        # By content: the same file in another place makes the same genome.
        chosen["proteins"] = f"sha256:{sha256_of(Path(chosen['proteins']))}"
    return chosen


def _read_switch(value: Any, schema: dict[str, Any], name: str) -> Any:
    """Return the boolean that was meant: `--config phix=true` reaches us as a word."""
    is_switch = schema["properties"].get(name, {}).get("type") == "boolean"
    return SWITCH.get(value, value) if is_switch and isinstance(value, str) else value


def describe_error(error: jsonschema.ValidationError) -> str:
    """Say which option, what was given and what is allowed."""
    option = ".".join(str(part) for part in error.absolute_path) or "the whole file"
    match error.validator:
        case "additionalProperties":
            known = ", ".join(sorted(error.schema["properties"]))
            unknown = sorted(set(error.instance) - set(error.schema["properties"]))
            return f"unknown option {', '.join(map(repr, unknown))}; known are {known}"
        case "enum":
            allowed = "one of " + ", ".join(map(str, error.validator_value))
        case "type":
            allowed = f"of type {error.validator_value}"
        case "minimum":
            allowed = f"at least {error.validator_value}"
        case "maximum":
            allowed = f"at most {error.validator_value}"
        case _:
            allowed = error.schema.get("description", error.message)
    return f"{option}: {error.instance!r} is given, allowed is {allowed}"
