# Annotate the genes, and make BLAST databases of them.
# Tools: prokka with Prodigal, ARAGORN, barrnap, HMMER, Infernal, BLAST+ and tbl2asn; faketime.
rule annotation:
    input:
        record=rules.assembly.output.record,
        contigs=rules.assembly.output.contigs,
        typing=rules.typing.output.record,
    output:
        record=stage_record("annotation"),
        publish=stage_folder("annotation", "publish"),
    log:
        stage_log("annotation"),
    priority: 4
    group:
        "genome"
    threads: RUN.config["threads"]
    resources:
        mem_mb=mem_mb,
        attempt=attempt_number,
    params:
        options=RUN.options(
            *("proteins", "prokka_evalue", "prokka_coverage"),
            *("prokka_use_genus", "prokka_options", "rfam", "genetic_code"),
        ),
        identity=identity,
    shell:
        stage_command("annotation")
