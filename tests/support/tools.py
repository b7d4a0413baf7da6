"""Tools of the field for unit tests: stand-ins on PATH that write files in the tools' form."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

FAKE_TOOLS = Path(__file__).parent / "fake_tools"
InstallTool = Callable[[str, str], None]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallTool:
    """Put the stand-ins first on PATH; return a function that puts a script in place of one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{FAKE_TOOLS}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    def install(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/bash\n{script}\n")
        (folder / name).chmod(0o755)

    return install
