"""Tools of the field for unit tests: stand-ins on PATH that write files in the tools' form."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FAKE_TOOLS = Path(__file__).parent / "fake_tools"
InstallTool = Callable[[str, str], None]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallTool:
    """Put the stand-ins first on PATH; return a function that puts a script in place of one.

    They run in this very Python: the one on PATH may be a wrapper that takes longer than the tool.
    """
    folder = tmp_path / "bin"
    folder.mkdir()
    # Without what the environment installs: it starts sooner.
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    monkeypatch.setenv("PATH", f"{folder}:{FAKE_TOOLS}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    def install(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/bash\n{script}\n")
        (folder / name).chmod(0o755)

    return install
