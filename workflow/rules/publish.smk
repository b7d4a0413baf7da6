# One tarball to where results go, then the receipt: the only file that travels back.
rule publish:
    input:
        stages=[
            rules.download.output.folder,
            rules.qc.output.folder,
            rules.assembly.output.folder,
            rules.annotation.output.folder,
        ],
    output:
        folder=stage_folder("publish"),
        receipt=f"{RESULTS}/receipts/{{sample}}.json",
    log:
        stage_log("publish"),
    priority: 4
    group:
        "genome"
    threads: 1
    resources:
        mem_mb=mem_mb,
        attempt=attempt_number,
    params:
        parameters=lambda wildcards, output: RUN.publish_parameters(output.receipt),
    shell:
        RUN_STAGE
