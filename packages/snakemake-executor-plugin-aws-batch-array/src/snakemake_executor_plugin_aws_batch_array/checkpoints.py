"""The outputs of checkpoints that the input functions of a job read."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from snakemake.io import is_callable, is_flagged


class _RuleJob(NamedTuple):
    """A rule and the wildcards of one of its jobs."""

    rule: Any
    wildcards: dict[str, str]


def iter_looked_at(jobs: list[Any], workflow: Any) -> Iterator[str]:
    """Yield the local outputs of every checkpoint that these jobs ask for.

    The child reads the Snakefile again and calls the input functions again. They must find the same
    files as here, which need not be among the inputs that they return. A checkpoint may itself ask
    for another one.
    """
    if not workflow.checkpoints.created_output:
        return
    seen: set[str] = set()
    waiting = [_RuleJob(job.rule, job.wildcards_dict) for job in jobs]
    while waiting:
        for target in sorted(_get_targets(waiting.pop(), workflow) - seen):
            seen.add(target)
            rule = _get_producer(target, workflow)
            wildcards = rule.get_wildcards(target)
            waiting.append(_RuleJob(rule, wildcards))
            yield from (str(f) for f in rule.expand_output(wildcards)[0] if not f.is_storage)


def _get_targets(asking: _RuleJob, workflow: Any) -> set[str]:
    """First outputs of the checkpoints that input functions ask for.

    If the output of a checkpoint does not exist yet, Snakemake makes it an input. Therefore all are
    first declared missing, then made one after the other until none is asked for.
    """
    found: set[str] = set()
    if not any(is_callable(path) for path in asking.rule.input):
        return found
    checkpoints = workflow.checkpoints
    created = checkpoints.created_output
    made: set[Any] = set()
    try:
        while True:
            checkpoints._created_output = made  # there is no public interface for this
            inputs, *_ = asking.rule.expand_input(asking.wildcards, groupid="")
            asked = {str(f) for f in inputs if is_flagged(f, "checkpoint_target")} - found
            if not asked:
                return found
            found |= asked
            for target in asked:
                rule = _get_producer(target, workflow)
                made.update(rule.expand_output(rule.get_wildcards(target))[0])
    finally:
        checkpoints._created_output = created


def _get_producer(target: str, workflow: Any) -> Any:
    return next(rule for rule in workflow.rules if rule.is_checkpoint and rule.is_producer(target))
