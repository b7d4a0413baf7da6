# One rule, whose jobs do not run: stubs return what they would.


rule all:
    input:
        expand("results/receipts/{number}.json", number=range(int(config["genomes"]))),


rule genome:
    output:
        "results/receipts/{number}.json",
    resources:
        mem_mb=512,
    shell:
        "false"
