# The cohort's table and report, made on the controller from receipts.
localrules:
    gather,
    report,


# Snakemake looks at the inputs of a job with the square of their number: 67,000 receipts in one
# rule would take it many minutes.
rule gather:
    input:
        receipts=lambda wildcards: RUN.receipts_to_write(
            workflow.dag, int(wildcards.part)
        ),
    output:
        mark=temp(f"{RESULTS}/.gathered/{{part}}"),
    wildcard_constraints:
        part=r"\d+",
    shell:
        "touch {output.mark:q}"


rule report:
    input:
        samples=RUN.config["samples"],
        receipts=lambda wildcards: expand(rules.gather.output.mark, part=RUN.parts()),
    output:
        table=f"{RESULTS}/cohort.tsv",
        parquet=f"{RESULTS}/cohort.parquet",
        page=f"{RESULTS}/report.html",
    message:
        f"Writing {RESULTS}/cohort.tsv and {RESULTS}/report.html"
    shell:
        "{PYTHON:q} {SCRIPTS:q}/report.py --results {RUN.results:q} --samples {input.samples:q} "
        "--sizes {RUN.config[min_genome_size]} {RUN.config[max_genome_size]}"
