"""IAM policies, enforced for every request of an assumed role; the account's owner may do all.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
moto 5.2.5 evaluates policies, but of S3 only with the resource that is asked for; here each action
has its resources, as the service authorization reference names them. Conditions are moto's: of
those that a request does not tell, none fails.
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from aws.emulator.identify import Operation, identify
from aws.emulator.provision import ACCOUNT
from aws.emulator.server import Emulator
from moto.core.utils import utcnow
from moto.iam.access_control import AssumedRoleAccessKey, IAMPolicy, PermissionResult
from moto.sts.models import sts_backends
from werkzeug.wrappers import Response

from .resources import get_resources, get_roles

ALWAYS_ALLOWED = {"sts:GetCallerIdentity"}
# https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
EXPIRED = ("ExpiredToken", "The security token included in the request is expired")


class GuardedEmulator(Emulator):
    """An emulated AWS that refuses what a role has no right to."""

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request (WSGI)."""
        if environ["PATH_INFO"].startswith("/emulator/"):
            return super().__call__(environ, start_response)
        operation = identify(environ)
        role = get_role(operation.access_key)
        if role is None:
            return super().__call__(environ, start_response)
        if role.expiration < utcnow():
            return refuse(operation.service, *EXPIRED)(environ, start_response)
        for needed in iter_needed(operation, read_body(environ)):
            if needed.action == "iam:PassRole":
                self._log.write(needed, 200, 0, 0)
            if not is_allowed(role, needed):
                self._log.write(needed, 403, 0, 0)
                text = f"not authorized to perform: {needed.action} on resource: {needed.resource}"
                return refuse(operation.service, "AccessDenied", text)(environ, start_response)
        return super().__call__(environ, start_response)


def read_body(environ: dict[str, Any]) -> bytes:
    """Return the body and put it back; that of an upload to S3 says nothing of rights."""
    if environ["REQUEST_METHOD"] == "PUT":
        return b""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def get_role(access_key: str | None) -> Any:
    """The assumed role that these credentials are of; None for the account's owner."""
    sessions = sts_backends[ACCOUNT]["aws"].assumed_roles
    return next((role for role in sessions if role.access_key_id == access_key), None)


def iter_needed(operation: Operation, body: bytes) -> Iterator[Operation]:
    """Every action with a resource that a request needs a right for; PassRole is implied."""
    for resource in get_resources(operation, body):
        yield Operation(operation.service, operation.name, resource, operation.access_key)
    for role in get_roles(operation, body):
        yield Operation("iam", "PassRole", role, operation.access_key)


def is_allowed(role: Any, needed: Operation) -> bool:
    """What the role's policies say."""
    if needed.action in ALWAYS_ALLOWED:
        return True
    headers = {"X-Amz-Security-Token": role.session_token}
    policies = AssumedRoleAccessKey(ACCOUNT, "aws", role.access_key_id, headers).collect_policies()
    said = {IAMPolicy(p).is_action_permitted(needed.action, needed.resource) for p in policies}
    return PermissionResult.PERMITTED in said and PermissionResult.DENIED not in said


def refuse(service: str, code: str, text: str) -> Response:
    """The answer in the words of the service's protocol."""
    if service in ("s3", "iam", "ec2", "sts"):
        error = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
        body = {
            "s3": error,
            "ec2": f"<Response><Errors>{error}</Errors></Response>",
        }.get(service, f"<ErrorResponse>{error}</ErrorResponse>")
        return Response(body, 403, mimetype="application/xml")
    headers = {"x-amzn-ErrorType": f"{code}Exception"}
    return Response(json.dumps({"message": text}), 403, headers, mimetype="application/json")
