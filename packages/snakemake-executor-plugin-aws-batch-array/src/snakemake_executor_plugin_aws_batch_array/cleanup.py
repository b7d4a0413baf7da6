"""Removes what finished runs have left in S3 and Batch."""

from typing import Any

from botocore.exceptions import ClientError

from .client import ArrayBatchClient
from .ledger import Ledger
from .retrying import AWS_ERRORS
from .store import RunFolder, Store


def remove_finished_runs(
    ledger: Ledger, store: Store, client: ArrayBatchClient, logger: Any
) -> None:
    """Remove the objects and the job definition of every run that has no open child.

    A run stays on record until nothing of it is left. If a controller dies meanwhile, or if AWS
    refuses its calls, the next controller removes the rest.
    """
    try:
        for prefix, definition in ledger.get_finished_runs():
            store.remove(RunFolder(prefix))
            _deregister(client, definition)
            ledger.forget_run(prefix)
    except AWS_ERRORS as error:
        logger.warning(
            "The objects and job definitions of finished runs could not be removed; the next start "
            f"tries again: {error}"
        )


def _deregister(client: ArrayBatchClient, definition: str) -> None:
    """Deregister a definition; it is no error if Batch does not know it.

    Then its controller died before registering it, or a later one after deregistering it.
    https://docs.aws.amazon.com/batch/latest/APIReference/API_DeregisterJobDefinition.html (Errors)
    """
    try:
        client.deregister_job_definition(jobDefinition=definition)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ClientException":
            raise
