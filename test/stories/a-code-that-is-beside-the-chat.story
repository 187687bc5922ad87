# What is in the vault wants a second factor: a chat session alone, however it was come by, opens nothing.
operator: migrate harddisk5 to harddisk8 on vault01 with throttle 0
...
operator: confirm R1 ready
...
= each with a code of their second factor
operator: confirm R1 cluster-pinned
lead: approve R1 cutover
= needs a code of your second factor
lead 000000: approve R1 cutover
= you have none yet
! lead
lead 000000: approve R1 cutover
= wrong
lead ######: approve R1 cutover
...
= approved by lead
= R1 asks: Commit
operator: roll back R1
...
== Not succeeded: R1 (rolled back)
