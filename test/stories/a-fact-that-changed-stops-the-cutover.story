# Two paths to the target die between the vote and the cutover. The facts are read again, and nothing is sent.
operator: migrate harddisk5 to harddisk8 on sql01 with throttle 0
...
operator: confirm R1 ready
...
= every path to the target is alive: targetPathsDead 0
lead: approve R1 cutover
...
~ sql01 {"paths": "harddisk8", "state": "dead", "count": 2}
operator: confirm R1 cluster-pinned
...
= a fact no longer holds since it was approved: every path to the target is alive: targetPathsDead 2, wanted targetPathsDead at most 0 (it was targetPathsDead 0 when it was approved
# Retry asks for the approval again: the one that was given was for other facts.
~ sql01 {"paths": "harddisk8", "state": "alive", "count": 4}
operator: retry R1
...
= R1 asks: Cut over
operator: confirm R1 cluster-pinned
lead: approve R1 cutover
...
= R1 asks: Commit
operator: roll back R1
...
== Not succeeded: R1 (rolled back)
