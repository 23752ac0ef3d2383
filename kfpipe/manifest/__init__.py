"""YAML, tables and includes -> the typed manifest, or all that is wrong with it, in file order.

document/    YAML text with the place of each value  schema/      what the JSON schema says, explained
tables/      CSV, TSV and XLSX rows as shots         files        the files of a project, and typos in their names
include, compose    several files -> one document    defaults     what wins: profile, shot, defaults
parse, shots        the document -> `model`          dependencies stills and clips that shots share
references   paths and addresses, checked            film         the order of the shots
model        the types
"""
