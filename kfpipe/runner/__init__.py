"""Carrying out a plan against the service: the anyio scheduler.

run          all of it: lanes, follower, fetchers, the end
context      what all lanes share                    settings     limits, cap, places
lane         one model's workers                     lifecycle    the life of one take
plan_queue, dependents    takes in the plan's order, and those that wait for others
submitter    a take becomes a task, at most once
adopter, orphans    whose task is that, when an answer was lost
snapshot     the tasks of others, noted before the first request
follower, polling   tasks to their end
queries      what is only asked, within the query budget
fetcher, examiner    clips to checked files, and then decoded to their ends
gate, pacing, slots    submissions per second, tasks in progress, and slowing down when the service asks
budget, outcome    what may be spent, and what came of it
breaker      pauses the run while the service is down
signals      Ctrl-C and SIGTERM to a run
interlock, shields, retry    who may post, what must not be cut short, what may be repeated
"""
