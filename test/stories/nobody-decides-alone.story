# Roles, own requests, one person one vote, and the commit that wants two.
viewer: show paths on sql01
= harddisk5 (Symmetrix 000187490076 0720): 4 of 4 paths alive
viewer: migrate harddisk5 to harddisk8 on sql01
= viewer may not
lead: migrate harddisk5 to harddisk8 on sql01 with throttle 0
...
lead: confirm R1 ready
...
lead: confirm R1 cluster-pinned
lead: approve R1 cutover
= nobody decides on their own request
operator: approve R1 cutover
= it wants the role lead
deputy: approve R1 cutover
...
deputy: approve R1 commit-approval
deputy: approve R1 commit-approval
= your vote on commit-approval is in already
operator: who could approve R1
= could: nobody; could not: lead asked for it, deputy has voted
lead: roll back R1
...
== Not succeeded: R1 (rolled back)
