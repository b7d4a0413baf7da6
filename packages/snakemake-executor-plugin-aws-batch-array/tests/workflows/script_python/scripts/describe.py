from arithmetic import total

with open(snakemake.input.table) as table:
    numbers = [int(line) for line in table]
with open(snakemake.output[0], "w") as output:
    print(total(numbers) * snakemake.params.factor, snakemake.params.names, file=output)
