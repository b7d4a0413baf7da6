"""A confined process has no network, writes only where it may, and stays so."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from bactofleet.core.confine import NO_LANDLOCK, NO_SECCOMP, SECRET_VARIABLES, find_missing

START = """
import ctypes, os, pathlib, socket, subprocess, sys
from bactofleet.core.confine import confine
here = pathlib.Path(sys.argv[1])
confine([here / "mine", pathlib.Path("/dev")], [here / "secrets/key"])
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with one that may be written to, another, and a secret."""
    for name in ("mine/part", "other", "secrets"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "other/file").write_text("other")
    (tmp_path / "secrets/key").write_text("planted")
    (tmp_path / "secrets/public").write_text("known")
    return tmp_path


def run(place: Path, code: str) -> str:
    """Return what a confined Python prints: its own words, or the name of the error."""
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    script = f"{START}try:\n{lines}except OSError as error:\n    print(error.errno)"
    answer = subprocess.run(
        [sys.executable, "-c", script, str(place)], capture_output=True, text=True, check=True
    )
    number = answer.stdout.strip()
    return errno.errorcode[int(number)] if number.isdecimal() else number


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"])
def test_no_socket_can_be_made(place: Path, family: str) -> None:
    assert run(place, f"socket.socket(socket.{family}, socket.SOCK_DGRAM)") == "EAFNOSUPPORT"


def test_nor_by_a_tool_that_it_starts(place: Path) -> None:
    tool = "import socket; socket.create_connection(('127.0.0.1', 9))"
    code = (
        f"tool = subprocess.run([sys.executable, '-c', {tool!r}], capture_output=True, text=True)\n"
        "print(tool.stderr.strip().splitlines()[-1])"
    )

    assert "Address family not supported" in run(place, code)


def test_tools_do_not_see_the_keys_of_its_variables(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SECRET_VARIABLES:
        monkeypatch.setenv(name, "planted")
    code = (
        "tool = subprocess.run(['env'], capture_output=True, text=True)\n"
        "print('planted' in tool.stdout)"
    )

    assert run(place, code) == "False"


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("(here / 'mine/new').write_text('x'); print('done')", "done"),
        ("(here / 'mine/part').rename(here / 'mine/renamed'); print('done')", "done"),
        ("open('/dev/null', 'w').write('x'); print('done')", "done"),
        ("print((here / 'other/file').read_text())", "other"),
        ("print((here / 'secrets/public').read_text())", "known"),
        ("print(subprocess.run(['true']).returncode or 'done')", "done"),
        ("(here / 'other/new').write_text('x')", "EACCES"),
        ("(here / 'other/file').write_text('x')", "EACCES"),
        ("(here / 'other/file').unlink()", "EACCES"),
        ("(here / 'other/file').rename(here / 'mine/file')", "EACCES"),
        ("print((here / 'secrets/key').read_text())", "EACCES"),
        ("open(f'/proc/{os.getppid()}/mem', 'rb')", "EACCES"),
    ],
)
def test_files_outside_can_be_read_and_not_changed(place: Path, code: str, result: str) -> None:
    assert run(place, code) == result


def test_what_may_be_written_to_need_not_be_there(place: Path) -> None:
    (place / "mine/part").rmdir()
    (place / "mine").rmdir()

    assert run(place, "print('done')") == "done"


# What old kernels and containers do: they do not know a call, or refuse it.
LACKING = """
import sys
from bactofleet.core import confine
{change}
print(*confine.confine(()), sep="\\n")
try:
    open(sys.argv[1], "w")
except PermissionError:
    print("cannot write")
try:
    import socket
    socket.socket()
except OSError:
    print("no network")
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("", ["", "cannot write", "no network"]),
        ("confine.CREATE_RULESET = 9999", [NO_LANDLOCK, "no network"]),
        ("confine.RESTRICT_SELF = 9999", [NO_LANDLOCK, "no network"]),
        ("confine.REFER_VERSION = 99", [NO_LANDLOCK, "no network"]),
        ("confine.SECCOMP_MODE_FILTER = 99", [NO_SECCOMP, "cannot write"]),
        ("confine.ARCHITECTURES = {}", [NO_SECCOMP, "cannot write"]),
        ("confine.platform.system = lambda: 'Darwin'", [NO_LANDLOCK, NO_SECCOMP]),
    ],
)
def test_what_is_missing_is_said_and_the_other_is_used(
    tmp_path: Path, change: str, said: list[str]
) -> None:
    script = LACKING.format(change=change)

    answer = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "file")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert answer.stdout.splitlines() == said


def test_looking_for_what_is_missing_confines_nobody(tmp_path: Path) -> None:
    assert find_missing() == []

    (tmp_path / "file").write_text("written")
