"""From a species' name, or a list that a user has, to rows of the sample sheet.

ENA is asked first and SRA when ENA does not answer (`archives`); what they have is filtered
(`filters`) and appended to the sheet (`sheet`). `importing` appends the rows of a list and asks
nobody.
"""
