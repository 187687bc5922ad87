import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startRealDisk } from '../../src/lab/real-disk.ts'

/** As much of a lab as a disk: for a test that kills it, and looks what it leaves behind. */
const folder = process.argv[2] ?? ''
await startRealDisk(folder)
writeFileSync(join(folder, 'up'), '')
setInterval(() => {}, 60_000)
