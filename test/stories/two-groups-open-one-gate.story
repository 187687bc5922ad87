# What is shared wants a lead and the owner of the application, and nobody stands for both.
operator: policy test "migrate harddisk5 to harddisk8 on erp01"
= one with the role lead and one with the role app-owner
operator: who could approve "migrate harddisk5 to harddisk8 on erp01"
= owner
operator: migrate harddisk5 to harddisk8 on erp01 with throttle 0 because "CHG0041 new array"
= operator asks for it because CHG0041 new array
...
operator: confirm R1 ready
...
operator: confirm R1 cluster-pinned
lead: approve R1 cutover
...
= so far yes from lead; still wanted: one with the role app-owner
deputy: approve R1 cutover
...
= still wanted: one with the role app-owner
viewer: approve R1 cutover
= it wants the role lead or app-owner
owner: approve R1 cutover because "the shop is closed"
...
= R1 asks: Commit
operator: roll back R1
...
operator: report R1
= Change record
== Not succeeded: R1 (rolled back)
