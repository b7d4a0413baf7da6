"""The release of the image where Docker has buildx, with a program in the place of Docker."""

import os
import subprocess
from pathlib import Path

import pytest

from bactofleet import __version__

RELEASE = Path(__file__).parents[2] / "containers/release.sh"
REPOSITORY = "ghcr.io/my-lab/bactofleet"
DIGEST = f"sha256:{'0' * 64}"
DOCKER = f"""#!/bin/sh
case "$1 $2" in
"info "|"buildx version") exit 0 ;;
esac
echo "$@" >> "$CALLS"
while [ $# -gt 0 ]; do
    [ "$1" != --metadata-file ] || printf '{{"containerimage.digest": "{DIGEST}"}}' > "$2"
    shift
done
exit "$STATUS"
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that will have what Docker was asked for."""
    program = tmp_path / "programs/docker"
    program.parent.mkdir()
    program.write_text(DOCKER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


def release() -> subprocess.CompletedProcess[str]:
    return subprocess.run([RELEASE, REPOSITORY], capture_output=True, text=True, check=False)


def test_it_is_pushed_for_both_architectures_and_printed_with_its_digest(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATUS", "0")

    done = release()

    assert (done.returncode, done.stdout) == (0, f"{REPOSITORY}@{DIGEST}\n"), done.stderr
    (asked,) = calls.read_text().splitlines()
    assert "--platform linux/amd64,linux/arm64 --push" in asked
    assert f"--tag {REPOSITORY}:{__version__}" in asked


def test_what_could_not_be_pushed_has_no_digest(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATUS", "1")

    done = release()

    assert done.returncode != 0
    assert done.stdout == ""
