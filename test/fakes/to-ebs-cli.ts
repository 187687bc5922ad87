import { toEbs } from '../../src/blocksync/to-ebs.ts'

/** A way into EBS as a process of its own, to be killed: its one argument is the wish, as JSON. */
const made = await toEbs(JSON.parse(process.argv[2] ?? '{}'))
console.log(JSON.stringify(made))
