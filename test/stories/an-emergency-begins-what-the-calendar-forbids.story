# What is frozen is not begun, unless somebody who may declares an emergency with the very sentence.
deputy: freeze web01 for 2 h because "quarter end"
...
= R1 succeeded
operator: set up migration from emcpowera to emcpowerb on web01
= web01 is frozen until
viewer: set up migration from emcpowera to emcpowerb on web01 in an emergency because "x"
= it wants the role operator
operator: set up migration from emcpowera to emcpowerb on web01 in an emergency because "the old array is failing"
= GLASS BROKEN for R2 by operator: the old array is failing
...
= R2 succeeded
= wants a review
deputy: close review of R2 because "it was failing"
= the review of R2 is closed
== R2, R1 succeeded.
