# The cohort's table and report, made on the controller from receipts.
localrules:
    report,


rule report:
    input:
        samples=RUN.config["samples"],
        receipts=lambda wildcards: RUN.receipts_to_write(workflow.dag),
    output:
        table=f"{RESULTS}/cohort.tsv",
        page=f"{RESULTS}/report.html",
    message:
        f"Writing {RESULTS}/cohort.tsv and {RESULTS}/report.html"
    shell:
        "{PYTHON:q} {SCRIPTS:q}/report.py --results {RUN.results:q} --samples {input.samples:q}"
