import { Refused } from '../../src/kit/errors.ts'
import { contents } from './ready.ts'
import type { LinuxHost } from './wire.ts'

/** How a partition table does. It has to survive JSON. */
export interface Health {
  readonly disk: string
  readonly path: string
  readonly mark: string // by which the host knows it again
  readonly table: string
  readonly problems: number
  readonly first?: string // of the problems
  readonly partitions: number
  readonly beyond: number // partitions that reach beyond the end of the disk
}

/**
 * An MBR has no backup, and sgdisk converts it in memory before it looks: a partition that ends with the disk is then a
 * problem to it, and to nobody else (gdisk 1.0.9). So only a GPT is verified by it. Throws Refused without a partition table.
 */
export async function healthOf(host: LinuxHost, id: string, signal: AbortSignal): Promise<Health> {
  const one = await host.disk(id, signal)
  const { table, layout, found } = one
  if (table === undefined || layout === undefined) throw new Refused(`${id} has no partition table (it holds ${contents(one)})`)
  const beyond = layout.partitions.filter(part => part.last >= layout.sectors).length
  const { problems, first } = table === 'gpt' ? await host.verdict(found, signal) : { problems: beyond }
  return {
    disk: id,
    path: found.path,
    mark: found.mark,
    table,
    problems: Math.max(problems, beyond),
    ...(first === undefined ? {} : { first }),
    partitions: layout.partitions.length,
    beyond,
  }
}
