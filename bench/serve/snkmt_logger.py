"""Measure what the logger plugin of snkmt adds to Snakemake's controller for each new job.

usage: snkmt_logger.py [--jobs N ...]

Needs `pip install snakemake-logger-plugin-snkmt==0.1.9 snkmt==0.4.0`, best in an environment of
its own. Gives the plugin the events of jobs of one rule, as Snakemake does when it starts them, and
prints how long each took when so many were there. Files of a job are left out, as they add the
same for each.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_logger_plugin_snkmt.log_handler import sqliteLogHandler

# Jobs over which a time is taken.
SAMPLE = 100


def main() -> None:
    """Print one line of JSON for each number of jobs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, nargs="+", default=[200, 1_000, 5_000, 20_000, 67_000])
    sizes = parser.parse_args().jobs
    with tempfile.TemporaryDirectory() as folder:
        handler = open_handler(Path(folder))
        for size in sizes:
            fill(handler, size - SAMPLE)
            begun = time.process_time()
            for number in range(size - SAMPLE, size):
                handler.emit(make_job(number))
            each_ms = 1000 * (time.process_time() - begun) / SAMPLE
            check(handler, size)
            print(json.dumps({"jobs": size, "ms_cpu_each": round(each_ms, 2)}), flush=True)
        # Else it writes once more at the end of the process, when the folder is gone.
        handler.context.clear()


def open_handler(folder: Path) -> Any:
    """Return the plugin's handler with a workflow that has begun."""
    settings = SimpleNamespace(dryrun=False)
    handler = sqliteLogHandler(settings, db_path=str(folder / "snkmt.db"))
    handler.emit(make_event(LogEvent.WORKFLOW_STARTED, workflow_id=uuid.uuid4(), snakefile="x"))
    handler.emit(make_job(0))
    return handler


def fill(handler: Any, size: int) -> None:
    """Put jobs of the rule into the database until there are `size`, past the plugin: quickly."""
    with handler.db_manager.engine.begin() as connection:
        columns = [row[1] for row in connection.exec_driver_sql("PRAGMA table_info(jobs)")]
        names = ", ".join(name for name in columns if name != "id")
        present = connection.exec_driver_sql("SELECT count(*) FROM jobs").scalar()
        copy = f"INSERT INTO jobs ({names}) SELECT {names} FROM jobs LIMIT 1"  # noqa: S608
        for _ in range(max(0, size - present)):
            connection.exec_driver_sql(copy)


def check(handler: Any, size: int) -> None:
    """Make sure that the jobs are there: the plugin tells an error on the screen alone."""
    with handler.db_manager.engine.connect() as connection:
        present = connection.exec_driver_sql("SELECT count(*) FROM jobs").scalar()
    if present != size:
        raise SystemExit(f"the database has {present} jobs, not {size}")


def make_job(number: int) -> logging.LogRecord:
    """Return what Snakemake tells of a job that it starts."""
    sample = f"SRX{10_400_000 + 37 * number}"
    return make_event(
        LogEvent.JOB_INFO,
        jobid=number,
        rule_name="publish",
        threads=4,
        wildcards={"sample": sample},
        resources={"mem_mb": 14336},
        reason="Forced execution",
    )


def make_event(event: LogEvent, **values: Any) -> logging.LogRecord:
    """Return a record of the log with an event."""
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, "", (), None)
    record.__dict__.update(event=event, **values)
    return record


if __name__ == "__main__":
    main()
