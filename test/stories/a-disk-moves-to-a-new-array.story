# A disk moves to a new array while its host keeps running: the sentence, the copy, the cutover, the point of no return.
operator: show paths on sql01
operator: migrate harddisk5 to harddisk8 on sql01
...
operator: confirm R1 ready
... R1 copy
# The copy runs now. It can be slowed down or sped up on the way.
operator: throttle session 1 on sql01 to 0
...
# The copy is complete. The one who asked may not approve it.
operator: approve R1 cutover
operator: confirm R1 cluster-pinned because "standalone host"
lead: approve R1 cutover because "the application is quiet"
...
# Up to here everything can be taken back. The commit cannot: it needs two people.
operator: who could approve R1
lead: approve R1 commit-approval
deputy: approve R1 commit-approval because "backup verified"
...
operator: show all runs
== R2, R1 succeeded.
