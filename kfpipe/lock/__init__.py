"""What is on record: each take's requests, in the journal while a run writes and in the lockfile after it.

states       a request's states as types             transitions  how a record goes from one to the next
codec, text, schema    records <-> JSON <-> bytes    journal      transitions <-> lines
paths        where all of it is                      claim        one run per manifest at a time
ledger       the one writer of journal and lockfile
merge, mergedriver, conflict    the records of two branches
check, tidy  `kfpipe lock check` and `lock fmt`      picks        the take that was chosen of a shot
workspace    the other lockfiles of the project
"""
