"""What a stack pays for outside of CloudFormation: AMIs with their snapshots, disks and logs.

Image Builder leaves its AMIs behind when an image is replaced or deleted:
https://docs.aws.amazon.com/imagebuilder/latest/userguide/delete-resources.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from bactofleet.aws.faults import explain

TAG = "bactofleet"
"""Tag with the stack's name on AMIs and disks."""
# Batch writes the logs of all jobs of an account here:
# https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html
LOG_GROUP = "/aws/batch/job"
LOG_DAYS = 30


def limit_logs(logs: Any, say: Callable[[str], None]) -> None:
    """Let the logs of jobs expire; a group of logs that exists is not changed, as others use it."""
    try:
        logs.create_log_group(logGroupName=LOG_GROUP)
    except logs.exceptions.ResourceAlreadyExistsException:
        if "retentionInDays" not in _find_log_group(logs):
            say(
                f"Logs in {LOG_GROUP} are kept, and paid for, for ever. To limit that: "
                f"`aws logs put-retention-policy --log-group-name {LOG_GROUP} "
                f"--retention-in-days {LOG_DAYS}`"
            )
        return
    logs.put_retention_policy(logGroupName=LOG_GROUP, retentionInDays=LOG_DAYS)


def remove_images(ec2: Any, stack: str, but: Collection[str], say: Callable[[str], None]) -> None:
    """Deregister the stack's AMIs, except those in `but`, and delete their snapshots."""
    for image in _find_images(ec2, stack):
        name = str(image["ImageId"])
        if name in but:
            continue
        snapshots = [
            str(disk["Ebs"]["SnapshotId"])
            for disk in image.get("BlockDeviceMappings", [])
            if "SnapshotId" in disk.get("Ebs", {})
        ]
        steps = [partial(ec2.deregister_image, ImageId=name)]
        steps += [partial(ec2.delete_snapshot, SnapshotId=snapshot) for snapshot in snapshots]
        try:
            for step in steps:
                step()
        except ClientError as error:
            say(f"{name} was not removed with its snapshots: {explain(error).message}")
        else:
            say(f"Removed {name} and its snapshots: {', '.join(snapshots) or 'none'}.")


def iter_remaining(ec2: Any, logs: Any, stack: str) -> Iterator[str]:
    """Yield what remains of a deleted stack and is paid for, and why."""
    mine = [{"Name": f"tag:{TAG}", "Values": [stack]}]
    for image in _find_images(ec2, stack):
        name = image["ImageId"]
        yield f"{name}: an AMI that was not removed; `aws ec2 deregister-image --image-id {name}`"
    for kind in ("snapshot", "volume"):
        for page in ec2.get_paginator(f"describe_{kind}s").paginate(Filters=mine):
            for item in page[f"{kind.title()}s"]:
                name = item[f"{kind.title()}Id"]
                yield f"{name}: a {kind}; `aws ec2 delete-{kind} --{kind}-id {name}`"
    group = _find_log_group(logs)
    if group.get("storedBytes"):
        days = group.get("retentionInDays")
        yield (
            f"log group {LOG_GROUP}, {group['storedBytes'] / 2**30:.3f} GiB, kept "
            f"{f'for {days} days' if days else 'for ever'}: all jobs of the account share it; "
            f"`aws logs delete-log-group --log-group-name {LOG_GROUP}`"
        )


def _find_images(ec2: Any, stack: str) -> list[dict[str, Any]]:
    filters = [{"Name": f"tag:{TAG}", "Values": [stack]}]
    return list(ec2.describe_images(Owners=["self"], Filters=filters)["Images"])


def _find_log_group(logs: Any) -> dict[str, Any]:
    """Return the description of the group; empty if there is none."""
    found = logs.describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"]
    return next((dict(item) for item in found if item["logGroupName"] == LOG_GROUP), {})
