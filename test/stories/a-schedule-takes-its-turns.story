# What comes by itself comes once for each turn, and stays silent while it calls for nobody.
operator: every 30min if busy ring migrate harddisk5 to harddisk8 on sql01 with throttle 0
...
= every 30 min: migrate harddisk5 to harddisk8 on sql01
= R2 asks:
operator: show schedules
= S1  every 30 min: migrate harddisk5 to harddisk8 on sql01
= last R2 waits for ready
+ 31min
...
= R2 has not ended, so the turn of
viewer: pause schedule S1
= not
operator: pause schedule S1 because "the host is being patched"
...
+ 95min
...
operator: show schedules
= paused by operator: the host is being patched; last R2
operator: cancel R2
operator: resume schedule S1
...
operator: show schedules
= 1 left out because the run before had not ended
operator: end schedule S1
...
operator: show schedules
= There are no schedules.
operator: every 20s migrate harddisk5 to harddisk8 on sql01
= the shortest is 1 min
operator: every 30min show paths on sql01
= A schedule asks for changes, and that only looks.
operator: every day at 02:00 in Mars/Base migrate harddisk5 to harddisk8 on sql01
= there is none called Mars/Base
== Not succeeded: R2 (cancelled)
