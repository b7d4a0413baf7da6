"""Which AWS operation an HTTP request is, and which IAM action it needs.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
and https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

import io
import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import botocore.session

CREDENTIAL = re.compile(r"Credential=([^/,]+)/[^/,]+/[^/,]+/([^/,]+)/aws4_request")
S3_ACTIONS = {
    "GetObject": "GetObject",
    "HeadObject": "GetObject",
    "ListObjects": "ListBucket",
    "HeadBucket": "ListBucket",
    "ListBuckets": "ListAllMyBuckets",
    "PutObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObject": "DeleteObject",
    "DeleteObjects": "DeleteObject",
}
"""IAM actions of S3 operations; every other operation has an action of its own name."""

BULK_ACTIONS = {"CancelJobs": "CancelJob", "TerminateJobs": "TerminateJob"}


@dataclass(frozen=True)
class Operation:
    """What a request asks for, and who asks."""

    service: str
    name: str
    resource: str
    access_key: str | None

    @property
    def full_name(self) -> str:
        """``service:Operation``, as faults are addressed."""
        return f"{self.service}:{self.name}"

    @property
    def action(self) -> str:
        """The IAM action that allows it."""
        actions = S3_ACTIONS if self.service == "s3" else BULK_ACTIONS
        return f"{self.service}:{actions.get(self.name, self.name)}"


def identify(environ: dict[str, Any]) -> Operation:
    """The operation of a WSGI request."""
    credential = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    access_key, service = credential.groups() if credential else (None, "s3")
    path = environ.get("PATH_INFO", "/")
    if service == "s3":
        return Operation(service, _s3_operation(environ), path.strip("/"), access_key)
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return Operation(service, target.rsplit(".", 1)[-1], "", access_key)
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return Operation(service, _form_action(environ), "", access_key)
    return Operation(service, _rest_operation(service, path), "", access_key)


def _form_action(environ: dict[str, Any]) -> str:
    """The action of services that take forms, as IAM and EC2 do; the body is put back."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return parse_qs(body.decode())["Action"][0]


@cache
def _rest_operation(service: str, path: str) -> str:
    """The operation with this path, or the path where the service has none."""
    session = botocore.session.get_session()
    if service in session.get_available_services():
        model = session.get_service_model(service)
        for name in map(str, model.operation_names):
            if model.operation_model(name).http.get("requestUri") == path:
                return name
    return path


def _s3_operation(environ: dict[str, Any]) -> str:
    method = environ["REQUEST_METHOD"]
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    _, _, key = environ.get("PATH_INFO", "/").lstrip("/").partition("/")
    if key:
        return _s3_object_operation(method, query)
    return _s3_bucket_operation(method, query, environ.get("PATH_INFO", "/").strip("/"))


def _s3_object_operation(method: str, query: dict[str, list[str]]) -> str:
    if "uploadId" in query:
        return {
            "PUT": "UploadPart",
            "POST": "CompleteMultipartUpload",
            "DELETE": "AbortMultipartUpload",
        }.get(method, "ListParts")
    if "uploads" in query:
        return "CreateMultipartUpload"
    return f"{method.title()}Object"


def _s3_bucket_operation(method: str, query: dict[str, list[str]], bucket: str) -> str:
    if not bucket:
        return "ListBuckets"
    if method == "POST" and "delete" in query:
        return "DeleteObjects"
    if method == "GET":
        named = {"location": "GetBucketLocation", "uploads": "ListMultipartUploads"}
        return next((name for key, name in named.items() if key in query), "ListObjects")
    return {"PUT": "CreateBucket"}.get(method, f"{method.title()}Bucket")
