/** The README's first story: a migration from the sentence to the end, with everything people have to say in between. */
export const DEMO = `# A disk moves to a new image while an application writes to it.
operator: show exports on vm01
operator: migrate disk0 to new0.img on vm01
...
operator: confirm R1 ready
... R1 copy
# The copy runs now. It can be slowed down or sped up on the way.
operator: set speed of job migrate-new0 on vm01 to 40MB/s
...
# The copy is complete. The one who asked may not approve it.
operator: approve R1 cutover
lead: approve R1 cutover because "the application is quiet"
...
# The new disk serves, and the old one is kept equal: up to here everything can be taken back. The commit cannot: it needs two people.
operator: who could approve R1
lead: approve R1 commit-approval
deputy: approve R1 commit-approval because "backup verified"
...
operator: show exports on vm01
operator: show all runs
`
