# Deliver one tarball to the results, then write the receipt, the only output to return.
# Tools: none.
rule publish:
    input:
        records=[
            rules.download.output.record,
            rules.qc.output.record,
            rules.assembly.output.record,
            rules.typing.output.record,
            rules.annotation.output.record,
        ],
        folders=[
            rules.download.output.publish,
            rules.qc.output.publish,
            rules.assembly.output.publish,
            rules.typing.output.publish,
            rules.annotation.output.publish,
        ],
    output:
        record=stage_record("publish"),
        receipt=f"{RESULTS}/{folder.RECEIPTS}/{{sample}}{folder.SUFFIX}",
    log:
        stage_log("publish"),
    priority: 5
    group:
        "genome"
    threads: 1
    resources:
        mem_mb=mem_mb,
        attempt=attempt_number,
    params:
        # The receipt records the options that decide what the genome becomes.
        options=(*RUN.options("results"), *RUN.deciding_options()),
        identity=identity,
        receipt=lambda wildcards, output: option("receipt", output.receipt),
    shell:
        stage_command("publish", more_options="{params.receipt:q}")
