"""Group jobs that are made of the jobs that there are."""

from typing import Any


def rebuild_stale_groups(dag: Any) -> bool:
    """Make the groups again if one of them holds a job that the graph has replaced.

    Where an input function asks for `groupid`, Snakemake replaces its job once the groups are
    known. GroupJobFactory keeps the first groups, and DAG.update_groups has merged others into
    them, so that (as of 9.27.1, and depending on the order of a set) a group may keep the job
    that was replaced: it then asks for too many cores, or is never ready and silently left out.

    Returns:
        Whether it was necessary.
    """
    # Private members, as DAG.get_jobs_or_groups fails on what a stale group has left out.
    groups = {id(group): group for group in dag._group.values()}.values()
    if all(dag.needrun(member) for group in groups for member in group.jobs):
        return False
    dag.group_job_factory.cache.clear()
    dag._ready_jobs.clear()
    dag.update_groups()
    dag.update_ready()
    return True
