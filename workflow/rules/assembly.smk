# Assemble, polish, name the contigs, and check the assembly size.
# Tools: SKESA, SPAdes or MEGAHIT (`assembler`), Flye with minimap2 and BLAST+ for long reads; BWA,
# samtools and Pilon (Java) for `polish`; pigz.
rule assembly:
    input:
        download=rules.download.output.record,
        given=rules.download.output.assembly,
        qc=rules.qc.output.record,
        reads=rules.qc.output.reads,
    output:
        record=stage_record("assembly"),
        contigs=stage_folder("assembly", "contigs"),
        publish=stage_folder("assembly", "publish"),
    log:
        stage_log("assembly"),
    priority: 2
    group:
        "genome"
    threads: RUN.config["threads"]
    resources:
        mem_mb=mem_mb,
        attempt=attempt_number,
    params:
        options=RUN.options(
            *("assembler", "assembler_options", "polish"),
            *("min_contig_length", "min_contig_coverage"),
            *("min_genome_size", "max_genome_size", "keep"),
        ),
        identity=identity,
    shell:
        stage_command("assembly")
