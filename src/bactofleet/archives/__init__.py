"""Where reads and assemblies come from: the archives' providers, S3 and HTTPS.

    retry.py      how long to wait before another attempt, and how a source's faults are told apart
    web.py        requests over HTTPS: opened, their faults told apart, read
    https.py      files over HTTPS: resumed, limited, verified
    s3.py         objects on S3, signed or not
    files.py      the files that a row of the sheet names by their URLs
    metadata.py   what ENA and SRA say of an accession
    ena.py        provider `ena`: FASTQ files of the European Nucleotide Archive
    sra.py        providers `sra-odp` and `sra`: archive files of SRA, turned into FASTQ
    providers.py  one after another, until one delivers

The library of fastq-dl (https://github.com/rpetit3/fastq-dl), which Bactopia uses, is not used
here: it pins pandas below 3 and markdown-it-py to 2.2, it looks up every accession, it keeps
nothing of a broken transfer, and its SRA side runs sracha, which resolves every run at NCBI. What
it does right (the grouping of files into mates, orphans beside them) is done alike.
"""
