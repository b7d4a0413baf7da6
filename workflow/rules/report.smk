# The cohort's table and report, made on the controller from receipts.
#
# `snakemake --lint` misses logs here: the messages of these two rules belong on the terminal.
localrules:
    gather,
    report,


# Snakemake's time for the inputs of a job grows with the square of their number: 67,000 receipts in
# one rule would take many minutes.
rule gather:
    input:
        receipts=lambda wildcards: RUN.receipts_to_write(
            int(wildcards.part), workflow.dag_settings.forcerun
        ),
    output:
        mark=temp(f"{RESULTS}/.gathered/{{part}}"),
    wildcard_constraints:
        part=r"\d+",
    container:
        None
    shell:
        ": > {output.mark:q}"


rule report:
    input:
        samples=RUN.config["samples"],
        receipts=gathered,
    output:
        table=f"{RESULTS}/{folder.TABLE}",
        parquet=f"{RESULTS}/{folder.PARQUET}",
        timings=f"{RESULTS}/{folder.TIMINGS}",
        # Also a page of what `snakemake --report` makes.
        page=report(f"{RESULTS}/{folder.PAGE}", category="Cohort"),
    container:
        None
    params:
        results=lambda wildcards, output: str(Path(output.table).parent),
        samples=str(RUN.frozen_samples),
        sizes=[RUN.config["min_genome_size"], RUN.config["max_genome_size"]],
    message:
        f"Writing {RESULTS}/{folder.TABLE} and {RESULTS}/{folder.PAGE}"
    shell:
        f"{command_of('report.py', sys.executable)} --results {{params.results:q}} --samples {{params.samples:q}} "
        "--sizes {params.sizes}"
