# A freeze stops a run and a typing person alike. In an emergency there is a glass, and somebody who looks at it afterwards.
operator: migrate harddisk5 to harddisk8 on db02 with throttle 0
...
operator: confirm R1 ready
...
deputy: freeze db02 for 2 h because "quarter end"
...
= R2 succeeded
operator: confirm R1 cluster-pinned
lead: approve R1 cutover
= db02 is frozen until
operator: select target of session 1 on db02
= by deputy: quarter end
= in an emergency say the same with
viewer: break glass for R1 because "x"
= it wants the role operator
operator: break glass for R1 because "the old array is failing"
= GLASS BROKEN for R1 by operator: the old array is failing
operator: approve R1 cutover
= it wants the role lead
lead: approve R1 cutover
...
= select target of session 1 on db02
operator: roll back R1
...
= REVIEW OPEN
deputy: show reviews
= glass broken by operator: the old array is failing
lead: close review of R1 because "fine"
= whoever had a part in it does not review it
deputy: close review of R1 because "the right thing to do; the phone list was old"
= Reviewed by deputy
deputy: show reviews
= No review is open.
# Taking a freeze back wants an approval, as its rule says.
operator: thaw db02 because "the books are closed"
...
lead: approve R3
...
= R3 succeeded
== Not succeeded: R1 (rolled back)
