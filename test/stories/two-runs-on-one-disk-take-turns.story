# Claims: the second run waits until the first one lets go of the disks, and says for whom.
operator: migrate harddisk5 to harddisk8 on sql01 with throttle 0
...
operator: confirm R1 ready
... R1 copy
operator: set up migration from harddisk8 to harddisk5 on sql01
... R1 cutover
= Waits for R1, which holds sql01/disk/harddisk5
operator: cancel R2
...
= R2 is cancelled
operator: roll back R1
...
== R1 (rolled back)
