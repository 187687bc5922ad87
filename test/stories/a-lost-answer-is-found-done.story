# The answer to selectTarget is lost on the way: the device is asked, and nothing is sent twice.
operator: migrate harddisk5 to harddisk8 on db02 with throttle 0
...
operator: confirm R1 ready
...
~ db02 {"how": "lose answer", "to": "selectTarget"}
operator: confirm R1 cluster-pinned
lead: approve R1 cutover
...
= found done
lead: approve R1 commit-approval
deputy: approve R1 commit-approval
...
= R1 succeeded
== R1 succeeded.
