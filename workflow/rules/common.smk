# What all stages share: the configuration, the samples, and how a stage's script is called.
import sys

from snakemake_interface_executor_plugins.settings import SharedFSUsage

from bactofleet.run.workflow import Run

SCHEMAS = Path(workflow.current_basedir).parent / "schemas"
RUN = Run(config, SCHEMAS, is_main=workflow.is_main_process)
# With the defaults: an executor takes the files along that the configuration names.
config.update(RUN.config)
SCRIPTS = Path(workflow.current_basedir).parent / "scripts"
PYTHON = sys.executable

RESULTS = str(RUN.results)
SCRATCH = str(RUN.scratch)


# By pattern, never by a list of names: the Snakefile is read again inside every job.
wildcard_constraints:
    sample=r"[A-Za-z0-9][A-Za-z0-9_.]*",


# A stage's folder lives on the node that runs the genome, and goes when the genome is done.
def stage_folder(stage):
    return temp(directory(f"{SCRATCH}/{{sample}}/{stage}"), group_jobs=True)


def stage_log(stage):
    return f"{RESULTS}/logs/{{sample}}/{stage}.log"


# Every stage is called alike. Its inputs are checked first; a failed check exits 75, which means
# "try again". Later stages have higher priorities: a genome under way is finished before the next
# one begins, so that few of them occupy the disk.
RUN_STAGE = """
set -- --stage {rule} --sample {wildcards.sample:q} --inputs {input.stages:q} \
    --output {output.folder:q} --parameters {params.parameters:q} \
    --threads {threads} --mem-mb {resources.mem_mb} --attempt {resources.attempt} \
    --log {log:q} --failures {RUN.failures:q}
{PYTHON:q} {SCRIPTS:q}/staging_check.py "$@" && {PYTHON:q} {SCRIPTS:q}/{rule}.py "$@"
"""


def mem_mb(wildcards, attempt):
    return RUN.config["memory_mb"] * attempt


def attempt_number(wildcards, attempt):
    return attempt


onstart:
    RUN.start(
        runs_here=workflow.local_exec,
        shares_files=SharedFSUsage.INPUT_OUTPUT
        in workflow.storage_settings.shared_fs_usage,
        # Not SIGTERM, which calls it too: its handler waits for a lock that the thread which it
        # interrupts may hold.
        stop=workflow.scheduler.exit_gracefully,
    )


onerror:
    RUN.write_report()
