# Roles, own requests, one person one vote, and the commit that wants two.
viewer: show paths on sql01
= harddisk5 (Symmetrix 000187490076 0720): 4 of 4 paths alive
viewer: migrate harddisk5 to harddisk8 on sql01
= viewer may not
# The commit wants two leads besides whoever asks, and there is only one more: better known now than in three days.
lead: migrate harddisk5 to harddisk8 on sql01
= needs 2 with the role lead besides lead, who asks, and there is 1
lead: set up migration from harddisk5 to harddisk8 on sql01
...
= R1 succeeded
lead: abort session 1 on sql01
...
= R2 asks: abort session 1 on sql01?
lead: approve R2
= nobody decides on their own request
operator: approve R2
= it wants the role lead
deputy: approve R2
...
= R2 succeeded
lead: clean up session 1 on sql01
...
= R3 succeeded
operator: migrate harddisk5 to harddisk8 on sql01 with throttle 0
...
operator: confirm R4 ready
...
operator: confirm R4 cluster-pinned
lead: approve R4 cutover
...
deputy: approve R4 commit-approval
deputy: approve R4 commit-approval
= your vote on commit-approval is in already
operator: who could approve R4
= could: lead; could not: deputy has voted
operator: roll back R4
...
== Not succeeded: R4 (rolled back)
