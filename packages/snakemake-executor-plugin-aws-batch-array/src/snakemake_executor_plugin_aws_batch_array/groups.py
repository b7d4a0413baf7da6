"""Groups of Snakemake: their jobs, their ids, and what is done when they have ended."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from snakemake.common import group_into_chunks


def rebuild_groups(dag: Any) -> None:
    """Make the groups again where Snakemake's own would be wrong, or others at the next start.

    If an input function uses `groupid`, Snakemake makes the groups, replaces the job by one whose
    inputs have the id of its group in their names, and updates the groups. As of 9.27.1 the update
    starts from the first groups, so that, depending on the order of sets,

    - a group keeps the replaced job: it requests too many cores or is never ready;
    - `--group-components` joins groups that are already joined: four genomes become sixteen;
    - a group of several components gets another id, and in the container, which knows only this
      one, the inputs have other names.

    `--group-components` takes the components from a set, so that a restart joins other genomes,
    and could not take over the jobs that run.
    """
    joins = any(n > 1 for n in dag.workflow.group_settings.group_components.values())
    if not joins and not any(job.is_updated for job in dag.jobs):
        return
    ids = _get_given_ids(dag.group_job_factory.cache.values())
    dag.group_job_factory.cache.clear()
    dag._ready_jobs.clear()
    dag._update_group_components = lambda: _join_components(dag, ids)
    try:
        dag.update_groups()
    finally:
        del dag._update_group_components
    dag.update_ready()


def _get_given_ids(first_groups: Iterable[Any]) -> dict[str, str]:
    """Ids of groups that input functions were given, by the id of each of their jobs.

    The groups have gained jobs since; their sorted layers hold the jobs of that time.
    """
    return {
        job.uuid(): group._jobid
        for group in first_groups
        if group._jobid
        for layer in group.toposorted
        for job in layer
    }


def _join_components(dag: Any, ids: dict[str, str]) -> None:
    """Join the components that were given the same id, and others in the order of their outputs."""
    joined: dict[str, Any] = {}
    others = defaultdict(list)
    for component in {id(group): group for group in dag._group.values()}.values():
        given = next((ids[key] for job in component if (key := job.uuid()) in ids), None)
        if given is None:
            others[component.groupid].append(component)
        elif joined.setdefault(given, component) is not component:
            joined[given].merge(component)
    for given, group in joined.items():
        group._jobid = given
    groups = [*joined.values()]
    for groupid, components in others.items():
        groups += _join_in_order(components, _get_size(dag.workflow, groupid))
    for group in groups:
        group.finalize()
        dag._group.update(dict.fromkeys(group, group))


def _get_size(workflow: Any, groupid: str) -> int:
    """Return how many components `--group-components` wants in a group."""
    rule_group = workflow.parent_groupids.get(groupid, groupid)
    size: int = workflow.group_settings.group_components.get(rule_group, 1)
    return size


def _join_in_order(components: list[Any], size: int) -> Iterator[Any]:
    ordered = sorted(components, key=_first_output) if size > 1 else components
    for first, *others in group_into_chunks(size, ordered):
        for other in others:
            first.merge(other)
        yield first


def _first_output(group: Any) -> str:
    return min((str(path) for job in group.jobs for path in job.output), default="")


def postprocess_at_once(group: Any) -> None:
    """Let Snakemake postprocess the stages of a group without a pause between them.

    Snakemake 9.27.1 waits 0.1 s before each level of a group but the first, so that the files that
    it touches get times in the order of the levels. It touches none of a group that ran here: no
    file system is shared with the instances (settings.common_settings), and a group with a local
    rule never comes to this executor. What comes back gets one time when it is unpacked, so that
    no input is newer than its output. docs/upstream has the change that Snakemake needs.
    """
    group.postprocess = partial(_postprocess_as_one_level, group)


async def _postprocess_as_one_level(group: Any, **options: Any) -> None:
    levels = group.toposorted
    group.toposorted = [list(group)]
    try:
        await type(group).postprocess(group, **options)
    finally:
        group.toposorted = levels  # a further attempt computes its resources from them
