"""From a species name or a user's list to rows of the sample sheet.

ENA is asked first, and SRA if ENA does not answer (`archives`). The results are filtered
(`filters`) and appended to the sheet (`sheet`). `importing` appends the rows of a list without
asking an archive.
"""
