# The target serves, and people want the source back: what was done is undone, newest first.
operator: migrate emcpowera to emcpowerb on web01 with throttle 0
...
operator: confirm R1 ready
...
operator: confirm R1 cluster-pinned
lead: approve R1 cutover
...
= R1 asks: Commit
viewer: roll back R1
= viewer may not
operator: roll back R1 because "latency doubled"
...
= select source of session 1 on web01
= abort session 1 on web01
= clean up session 1 on web01
= R1 rolled back
operator: show paths of emcpowera on web01
= 4 of 4 paths alive
operator: show sessions on web01
= no session
== Not succeeded: R1 (rolled back)
