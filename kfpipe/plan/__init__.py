"""Takes + records + disk -> the plan: what the next run does with each take, why, and what it costs.

model        a plan as values                        gather       its facts, each gathered once
decide       one step for each take                  chain        takes that continue others
selection, narrow    some of the takes               consent      may it be run, and up to what cost
diff, changed, compare, revision    what differs from the record, and from an earlier commit
saved, planfile      a plan to look at now and run later
"""
