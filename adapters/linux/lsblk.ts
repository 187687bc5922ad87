import { z } from 'zod'
import { Misread } from '../../src/kit/errors.ts'
import { clean, questionIn } from '../../src/kit/text.ts'
import type { Bytes } from '../../src/kit/units.ts'

/** A whole disk as the kernel has it now. */
export interface Disk {
  readonly path: string // of this moment: /dev/nvme1n1
  readonly bytes: Bytes
  readonly readOnly: boolean
  readonly serial?: string
  readonly wwn?: string
  readonly model?: string
  readonly mounts: readonly string[] // of the disk and all that is on it; [SWAP] is one of them
  readonly users: readonly string[] // what sits on it and is no partition: LVM, RAID, crypt, multipath
}

/** The columns that are asked for; JSON and PATH want util-linux 2.33. */
export const COLUMNS = 'NAME,PATH,TYPE,SIZE,RO,SERIAL,WWN,MODEL,MOUNTPOINT'

// Until util-linux 2.33 numbers and booleans were text in the JSON.
const Size = z
  .union([
    z.number().int(),
    z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number),
  ])
  .pipe(
    z
      .number()
      .int()
      .min(0)
      .max(2 ** 53 - 1),
  )
const Flag = z.union([z.boolean(), z.enum(['0', '1']).transform(it => it === '1')])
const Said = z.string().max(512).nullable()

const Row = z.strictObject({
  name: z.string().min(1).max(128),
  path: z.string().regex(/^\/dev\/[^\s]{1,200}$/),
  type: z.string().min(1).max(32),
  size: Size,
  ro: Flag,
  serial: Said,
  wwn: Said,
  model: Said,
  mountpoint: Said,
  get children(): z.ZodOptional<z.ZodArray<typeof Row>> {
    return z.array(Row).max(1024).optional()
  },
})
type Row = z.infer<typeof Row>
const Answer = z.strictObject({ blockdevices: z.array(Row).max(4096) })

/** `lsblk --json --bytes -o ...`: the end of the JSON is the end mark. Throws Misread for anything else. */
export function readDisks(text: string): readonly Disk[] {
  const question = questionIn(text)
  if (question !== undefined) throw new Misread(`it asked a question and nobody answered it: ${question}`, text)
  let json: unknown
  try {
    json = JSON.parse(clean(text))
  } catch {
    throw new Misread('lsblk: this is no whole JSON', text)
  }
  const read = Answer.safeParse(json)
  if (!read.success) throw new Misread(`lsblk: ${read.error.issues[0]?.path.join('.')} is not understood`, text)
  return read.data.blockdevices.map(diskOf)
}

function diskOf(row: Row): Disk {
  const [all, said] = [withAll(row), { serial: word(row.serial), wwn: word(row.wwn), model: word(row.model) }]
  return {
    path: row.path,
    bytes: row.size,
    readOnly: row.ro,
    ...(said.serial === undefined ? {} : { serial: said.serial }),
    ...(said.wwn === undefined ? {} : { wwn: said.wwn }),
    ...(said.model === undefined ? {} : { model: said.model }),
    mounts: all.map(one => word(one.mountpoint)).filter(mount => mount !== undefined),
    users: all.filter(one => one !== row && one.type !== 'part').map(one => `${one.type} ${one.name}`),
  }
}

const withAll = (row: Row): readonly Row[] => [row, ...(row.children ?? []).flatMap(withAll)]
const word = (said: string | null): string | undefined => said?.trim() || undefined
