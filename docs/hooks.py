"""Pages of the site that MkDocs makes from the sources: front page, commands and options."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from bactofleet.cli.main import COMMANDS, make_parser

ROOT = Path(__file__).parents[1]
# Width of the help on the site, in characters.
os.environ["COLUMNS"] = "90"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = {
        "index.md": readme.replace("](docs/", "]("),
        "commands.md": _write_commands(),
        "options.md": _write_options(),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to files outside of docs/ lead to the repository."""
    above = "" if page.file.src_uri == "index.md" else r"\.\./"
    places = "bench|config|demo|packages|src|infra|CONTRIBUTING"
    outside = re.compile(rf"\]\({above}((?:{places})[^)]*)\)")
    return outside.sub(rf"]({config.repo_url}/blob/main/\1)", markdown)


def _write_commands() -> str:
    parts = ["# Commands", "The help of each command, as `bactofleet COMMAND --help` shows it."]
    for name in COMMANDS:
        top = make_parser([name])
        (command,) = (parser for key, parser in _list_commands(top) if key == name)
        parts += [f"## {name}", _show(command)]
        for key, parser in _list_commands(command):
            parts += [f"### {name} {key}", _show(parser)]
    return "\n\n".join(parts)


def _list_commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, Any]]:
    """Yield the subcommands of a parser by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _show(parser: argparse.ArgumentParser) -> str:
    return f"```text\n{parser.format_help()}```"


def _write_options() -> str:
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    rows = [
        f"| `{name}` | {_describe(option)} | `{_to_word(option['default'])}` |"
        for name, option in schema["properties"].items()
    ]
    explained = (ROOT / "config/config.yaml").read_text(encoding="utf-8")
    return "\n".join(
        [
            "# Options",
            "",
            "The options of `config/config.yaml`, and what values they take.",
            "",
            "| option | values | default |",
            "|---|---|---|",
            *rows,
            "",
            "## config/config.yaml",
            "",
            "```yaml",
            explained.rstrip(),
            "```",
        ]
    )


def _describe(option: dict[str, Any]) -> str:
    """Return what values an option takes: its words, its limits, or the schema's description."""
    if "enum" in option:
        return ", ".join(f"`{_to_word(word)}`" for word in option["enum"])
    if "description" in option:
        return str(option["description"])
    kind = {"integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
    text = kind[option["type"]]
    if "minimum" in option:
        text += f", {option['minimum']:,}"
        text += f" to {option['maximum']:,}" if "maximum" in option else " or more"
    return text


def _to_word(value: object) -> str:
    """Return a value as it is written in YAML."""
    return str(yaml.safe_dump(value, default_flow_style=True)).removesuffix("\n...\n").strip()
