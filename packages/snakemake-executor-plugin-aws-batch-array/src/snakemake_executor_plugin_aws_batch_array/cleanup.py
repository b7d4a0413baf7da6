"""Removes what finished runs have left in S3 and in Batch."""

from typing import Any

from botocore.exceptions import ClientError

from .client import ArrayBatchClient
from .ledger import Ledger
from .patience import AWS_ERRORS
from .store import RunFolder, Store


def remove_finished_runs(
    ledger: Ledger, store: Store, client: ArrayBatchClient, logger: Any
) -> None:
    """Remove the objects and the job definition of every run that has no open child.

    A run stays on record until nothing of it is left: a controller that dies meanwhile, or that
    AWS refuses, leaves the rest to the next one.
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
    """Deregister a definition; one that Batch does not know is as good.

    Its controller died before it was registered, or its successor after it was deregistered.
    https://docs.aws.amazon.com/batch/latest/APIReference/API_DeregisterJobDefinition.html (Errors)
    """
    try:
        client.deregister_job_definition(jobDefinition=definition)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ClientException":
            raise
