"""Where a container runs, according to the instance metadata service (IMDSv2) and the kernel."""

import json
import math
import os
import shutil
from typing import Any

import urllib3

DEFAULT_ENDPOINT = "http://169.254.169.254"
# A container that cannot reach the service (hop limit 1, Fargate) must not wait for it.
TIMEOUT_S = 1.0
TOKEN_LIFETIME_S = 60

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html
DOCUMENT = "dynamic/instance-identity/document"
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
LIFE_CYCLE = "meta-data/instance-life-cycle"


def describe_host() -> dict[str, Any]:
    """Return the instance's facts for usage.tsv; none if no metadata service answers.

    A container sees all processors of its host, whatever its share of them, and at `/` the host's
    root volume, on which Docker stores its images.
    """
    instance = describe_instance()
    if not instance:
        return {}
    disk_gib = math.ceil(shutil.disk_usage("/").total / 2**30)
    return {**instance, "instance_vcpus": os.cpu_count(), "disk_gib": disk_gib}


def describe_instance() -> dict[str, str]:
    """Return type, id, zone, boot and life cycle (`spot` or `on-demand`); none without answer.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
    """
    endpoint = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", DEFAULT_ENDPOINT).rstrip("/")
    http = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)
    try:
        lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_LIFETIME_S)}
        token = _ask(http, "PUT", f"{endpoint}/latest/api/token", lifetime)
        headers = {"X-aws-ec2-metadata-token": token}
        document = json.loads(_ask(http, "GET", f"{endpoint}/latest/{DOCUMENT}", headers))
        return {
            "instance_type": document["instanceType"],
            "instance_id": document["instanceId"],
            "zone": document["availabilityZone"],
            "life_cycle": _ask(http, "GET", f"{endpoint}/latest/{LIFE_CYCLE}", headers),
            "booted": document["pendingTime"],
        }
    except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError):
        return {}


def _ask(http: Any, method: str, url: str, headers: dict[str, str]) -> str:
    reply = http.request(method, url, headers=headers)
    if reply.status != 200:
        raise urllib3.exceptions.HTTPError(f"{url} answers {reply.status}")
    return str(reply.data.decode())
