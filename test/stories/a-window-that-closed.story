# The office is changed in its window only. The copy may run at any time; the cutover waits, and rings when the window opens.
operator: select target of session 1 on office01
= It is not the time for that: the change window office is closed; it opens
operator: migrate harddisk5 to harddisk8 on office01 with throttle 0
...
operator: confirm R1 ready
...
= Waits: the change window office is closed; it opens
operator: show windows
= office
+ 175min
... R1 cutover
...
= R1 asks: Cut over
lead: approve R1 cutover
= your approval of cutover is in
# It closes before everything is in place. What was approved is not sent: it is asked again when the window opens.
+ 10min
operator: confirm R1 cluster-pinned
...
= Waits: the change window office is closed; it opens
+ 23h
... R1 cutover
...
= R1 asks: Cut over
operator: confirm R1 cluster-pinned
lead: approve R1 cutover
...
= select target of session 1 on office01
operator: roll back R1
...
== Not succeeded: R1 (rolled back)
