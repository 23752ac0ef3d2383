"""What is on record: the requests, in the journal while a run writes and in the lockfile after it.

states       a request's states as types             join         two records of the same requests -> one
codec, text, schema    requests <-> JSON <-> bytes   journal      what a run notes <-> lines
version1     records of the first format             lockfile     the file on disk, loaded, joined and saved
paths        where all of it is                      claim        one run per manifest at a time
ledger       the one writer of a run's records       records      which requests are a take's own
merge, mergedriver, conflict    two branches         workspace    the other lockfiles of the project
check, tidy  `kfpipe lock check` and `lock fmt`      picks        the take that was chosen of a shot
usual        most requests, read without JSON
"""
