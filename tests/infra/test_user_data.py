"""What an instance does when it starts: scratch to the instance store, settings to its agent."""

import email
import os
import subprocess
from pathlib import Path

import pytest
from cfnlint.decode import cfn_yaml

TEMPLATE = Path(__file__).parents[2] / "infra/bactofleet.yaml"
COMMANDS = ("lsblk", "mkfs.xfs", "mkdir", "mount", "mountpoint")


def read_parts(name: str = "LaunchTemplate") -> dict[str, str]:
    """The parts of the user data of a launch template, by type."""
    template = cfn_yaml.load(str(TEMPLATE))
    data = template["Resources"][name]["Properties"]["LaunchTemplateData"]
    message = email.message_from_string(data["UserData"]["Fn::Base64"])
    parts = [part for part in message.walk() if not part.is_multipart()]
    return {part.get_content_type(): str(part.get_payload()) for part in parts}


@pytest.fixture
def boot(tmp_path: Path) -> None:
    """Stand-ins that record their calls; `disks` is what lsblk prints."""
    for name in COMMANDS:
        script = tmp_path / name
        script.write_text(
            f"#!/bin/sh\n"
            f'[ {name} = lsblk ] && cat "{tmp_path}/disks" && exit\n'
            f'echo "{name} $*" >> "{tmp_path}/calls"\n'
            f'[ {name} != mountpoint ] || [ -e "{tmp_path}/mounted" ]\n'
        )
        script.chmod(0o755)


def run_boothook(folder: Path, disks: str) -> list[str]:
    """Start with these disks; return what was called."""
    (folder / "disks").write_text(disks)
    (folder / "calls").write_text("")
    environment = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    script = read_parts()["text/cloud-boothook"]
    subprocess.run(["bash", "-c", script], env=environment, check=True)
    return (folder / "calls").read_text().splitlines()


@pytest.mark.usefixtures("boot")
def test_volumes_of_containers_are_on_the_instance_store(tmp_path: Path) -> None:
    disks = (
        "/dev/nvme0n1 Amazon Elastic Block Store\n/dev/nvme1n1 Amazon EC2 NVMe Instance Storage\n"
    )

    calls = run_boothook(tmp_path, disks)

    assert calls == [
        "mountpoint --quiet /var/lib/docker/volumes",
        "mkfs.xfs -f -q /dev/nvme1n1",
        "mkdir -p /var/lib/docker/volumes",
        "mount /dev/nvme1n1 /var/lib/docker/volumes",
    ]


@pytest.mark.usefixtures("boot")
def test_a_store_that_is_mounted_is_not_formatted_again(tmp_path: Path) -> None:
    (tmp_path / "mounted").touch()

    calls = run_boothook(tmp_path, "/dev/nvme1n1 Amazon EC2 NVMe Instance Storage\n")

    assert calls == ["mountpoint --quiet /var/lib/docker/volumes"]


@pytest.mark.usefixtures("boot")
def test_without_an_instance_store_nothing_is_mounted(tmp_path: Path) -> None:
    assert run_boothook(tmp_path, "/dev/nvme0n1 Amazon Elastic Block Store\n") == []


@pytest.mark.parametrize("name", ["LaunchTemplate", "ControllerLaunchTemplate"])
def test_the_agent_keeps_the_image_and_refuses_privileges(tmp_path: Path, name: str) -> None:
    script = read_parts(name)["text/x-shellscript"]
    script = script.replace("/etc/ecs/ecs.config", str(tmp_path / "c"))

    subprocess.run(["bash", "-c", script], check=True)

    assert (tmp_path / "c").read_text().splitlines() == [
        "ECS_IMAGE_PULL_BEHAVIOR=prefer-cached",
        "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION=2m",
        "ECS_DISABLE_PRIVILEGED=true",
    ]
