"""The user's configuration: checked against its schema, completed with its defaults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from bactofleet.core.amrfinder import checksum_of_amrfinder
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.files import fingerprint, sha256_of
from bactofleet.core.project import SCHEMAS
from bactofleet.core.references import (
    REFERENCES,
    addresses_in,
    find_address_fault,
    is_address,
    url_and_checksum,
)
from bactofleet.core.schemes import checksum_of
from bactofleet.core.tool_options import OPTIONS, find_tool_option_fault, tool_of

# The user's configuration, in a project's folder.
CONFIG_FILE = Path("config/config.yaml")
# Options that do not change the result, only where and how a genome is made.
NOT_PARAMETERS = frozenset(
    {"samples", "results", "scratch", "redo", "threads", "memory_mb", "max_cost", "providers"}
)
# Options that change how long a genome takes or how large its tarball is.
COSTLY = frozenset(
    {
        "amrfinder",
        "assembler",
        "assembler_options",
        "coverage",
        "error_correction",
        "keep",
        "phix",
        "polish",
        "rfam",
        "simulate_reads",
    }
)
# What represents the content of a file or folder.
CHECKSUMS = {
    "proteins": sha256_of,
    "mlst_schemes": checksum_of,
    "amrfinder": checksum_of_amrfinder,
}
SKETCH_ENDING = ".msh"
# YAML reads these words as booleans; `--config phix=yes` passes the word itself.
SWITCH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
PLACES = ("samples", "results", "scratch", *REFERENCES)
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
S3_ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?#]*)?")
# The types of JSON Schema in words that users of YAML know.
TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "options with their values (name: value)",
    "string": "text",
}


def load_schema(path: Path) -> dict[str, Any]:
    """Read a JSON schema written as YAML."""
    # The one in C, which most installations have, takes an eighth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), loader)  # type: ignore[no-any-return]  # noqa: S506


def read_config(path: Path) -> dict[str, Any]:
    """Read and check a configuration file; its project's folder is the current one.

    Raises `ConfigurationError` with a line for every problem.
    """
    return check_config(read_options(path), load_schema(SCHEMAS / "config.schema.yaml"), str(path))


def read_options(path: Path) -> dict[str, Any]:
    """Read a configuration file without checking its options.

    Raises `ConfigurationError` if it is missing, is not YAML, or has an option twice.
    """
    if not path.is_file():
        raise ConfigurationError([f"{path} does not exist; `bactofleet init FOLDER` makes one"])
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        config = yaml.safe_load(text) or {}
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError([f"{path} is not YAML: {error}"]) from error
    keys = [key.value for key, _ in tree.value] if isinstance(tree, yaml.MappingNode) else []
    if twice := sorted({str(key) for key in keys if keys.count(key) > 1}):
        raise ConfigurationError([f"{path}: {', '.join(twice)}: given more than once"])
    return config


def check_config(config: dict[str, Any], schema: dict[str, Any], source: str) -> dict[str, Any]:
    """Return the configuration with the defaults of the options that it leaves out.

    Raises `ConfigurationError` with one line for each wrong option: its name, what it must be, and
    what it is.
    """
    if isinstance(config, dict):
        config = {name: _read_word(value, schema, name) for name, value in config.items()}
    validator = jsonschema.Draft202012Validator(schema)
    problems = sorted(
        f"{source}: {describe_error(error)}" for error in validator.iter_errors(config)
    )
    if not problems:
        problems = [f"{source}: {problem}" for problem in _check_places(config)]
    if problems:
        raise ConfigurationError(problems)
    defaults = {name: option["default"] for name, option in schema["properties"].items()}
    complete = defaults | config
    problems = [
        f"{source}: {name}: {fault}"
        for name in OPTIONS
        if (fault := find_tool_option_fault(tool_of(name, complete), complete[name] or ""))
    ]
    if problems:
        raise ConfigurationError(problems)
    # A schema cannot compare two options.
    smallest, largest = complete["min_genome_size"], complete["max_genome_size"]
    if smallest > largest:
        problem = f"min_genome_size must be at most max_genome_size ({largest}), not {smallest}"
        raise ConfigurationError([f"{source}: {problem}"])
    return complete


def find_other_option(
    before: Mapping[str, Any], now: Mapping[str, Any], names: Iterable[str]
) -> str | None:
    """Return the first of these options that differs between two genomes' parameters."""
    # An option that was not known then was off, as an empty or false one is.
    return next(
        (name for name in names if (before.get(name) or None) != (now.get(name) or None)), None
    )


def parameters_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that change the result; files are represented by checksums."""
    chosen = {key: value for key, value in sorted(config.items()) if key not in NOT_PARAMETERS}
    # The same file at another path gives the same result.
    for name, sum_up in CHECKSUMS.items():
        if (place := chosen.get(name)) and not is_address(place):
            chosen[name] = f"sha256:{sum_up(Path(place))}"
    sketch = Path(chosen.get("species_references") or "")
    if sketch.suffix == SKETCH_ENDING and sketch.is_file():  # not the one of the image
        files = filter(Path.is_file, (sketch, sketch.with_suffix(".tsv")))
        chosen["species_references"] = f"sha256:{fingerprint(list(map(sha256_of, files)))}"
    for name, address in addresses_in(chosen).items():
        chosen[name] = f"sha256:{url_and_checksum(address)[1]}"
    return chosen


def _read_word(value: Any, schema: dict[str, Any], name: str) -> Any:
    """Convert a word from the command line to a boolean or null if its option takes no text."""
    kind = schema["properties"].get(name, {}).get("type", "string")
    if not isinstance(value, str) or "string" in kind:
        return value
    if kind == "boolean":
        return SWITCH.get(value.lower(), value)
    return None if "null" in kind and value.lower() in ("null", "~") else value


def _check_places(config: dict[str, Any]) -> Iterator[str]:
    """Find paths that would be mistaken for something else or cannot be used."""
    for option in PLACES:
        place = config.get(option) or ""
        if place.startswith("~") or "$" in place:
            yield f"{option} must be a whole path, without '~' and '$', not {place!r}"
        elif "{" in place or "}" in place or not place.isprintable():
            yield f"{option} must have no braces or control characters, unlike {place!r}"
        elif option == "results" and place.startswith("s3:"):
            if not S3_ADDRESS.fullmatch(place):
                yield f"{option} must be s3://BUCKET/prefix, not {place!r}"
        elif option in REFERENCES and is_address(place):
            if fault := find_address_fault(option, place):
                yield f"{option} {fault}"
        elif "://" in place:
            kinds = "a folder or s3://BUCKET/prefix" if option == "results" else "a path"
            yield f"{option} must be {kinds}, not {place!r}"


def describe_error(error: jsonschema.ValidationError) -> str:
    """Say which option is wrong, what it must be, and what it is."""
    option = ".".join(str(part) for part in error.absolute_path) or "the whole file"
    match error.validator:
        case "additionalProperties":
            known = ", ".join(sorted(error.schema["properties"]))
            unknown = sorted(set(error.instance) - set(error.schema["properties"]))
            plural = "s" if len(unknown) > 1 else ""
            return f"unknown option{plural} {', '.join(map(repr, unknown))}; options are {known}"
        case "enum":
            words = ("null" if value is None else str(value) for value in error.validator_value)
            allowed = "one of " + ", ".join(words)
        case "type" if option == "redo":
            allowed = "none, changed or names; one that reads like a number as redo=[NAME]"
        case "type":
            allowed = _describe_type(error.validator_value)
        case "minimum":
            allowed = f"at least {error.validator_value}"
        case "maximum":
            allowed = f"at most {error.validator_value}"
        case _:
            allowed = error.schema.get("description", error.message)
    return f"{option} must be {allowed}, not {error.instance!r}"


def _describe_type(types: str | list[str]) -> str:
    names = [types] if isinstance(types, str) else types
    return " or ".join(TYPES[name] for name in names)
