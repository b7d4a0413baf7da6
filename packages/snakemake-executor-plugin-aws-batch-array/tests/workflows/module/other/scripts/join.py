with open(snakemake.output[0], "w") as output:
    for path in snakemake.input:
        output.write(open(path).read())
