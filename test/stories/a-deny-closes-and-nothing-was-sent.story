# Nothing was changed yet when the cutover is denied: the copy is there, and it can be taken back.
operator: migrate harddisk5 to harddisk8 on sql01 with throttle 0
...
= R1 asks: Are these the right two disks
operator: confirm R1 ready
...
= R1 asks: Cut over
lead: deny R1 cutover because "the quarter is being closed"
...
= R1 is held at cutover: denied by lead: the quarter is being closed
operator: skip R1 cutover because "I know better"
= R1: a gate cannot be skipped.
operator: roll back R1
...
= R1 rolled back
operator: show sessions on sql01
= no session
== Not succeeded: R1 (rolled back)
