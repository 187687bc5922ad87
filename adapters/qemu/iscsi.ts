import { z } from 'zod'
import { exclusive } from '../../src/kit/claims.ts'
import type { Call } from '../../src/kit/device.ts'
import { Refused, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { change } from './change.ts'
import { guardLun } from './luns.ts'
import { Id, Iqn, Portal } from './params.ts'
import { nodeIn } from './view.ts'
import type { Command, Initiator, Monitor } from './wire.ts'

/**
 * How long an array may take for one answer. Without it QEMU 7.2 waits for ever for a portal that takes the connection and then
 * says nothing, and while it waits no disk of it is served: the guests stand still.
 */
const ANSWER: Millis = 5_000

const Lun = z.object({ target: Iqn, lun: z.number().int().min(0).max(16_383), portal: Portal, node: Id, account: Id.optional() })
type Wanted = z.infer<typeof Lun>

export const attachIscsi = change({
  summary: 'Attach a LUN of an iSCSI array. A CHAP account is named as in the site file, which has its secret.',
  examples: [
    'attach iscsi iqn.2026-01.lab:lunb lun 1 at 192.0.2.7:3260 as new0 on vm01',
    'attach iscsi iqn.2026-01.lab:lunb lun 1 at 192.0.2.7:3260 as new0 with account lunb on vm01',
    'attach iscsi iqn.2026-01.lab:lunb lun 1 at 192.0.2.7:3260 as new0 on vm01 user lunb',
  ],
  params: Lun,
  // While the array is logged in to, QEMU serves nothing: at a portal that swallows packets the guests stand still for minutes.
  risk: 'disruptive',
  says: (host, { target, lun, portal, node, account }) =>
    `attach iscsi ${target} lun ${lun} at ${portal} as ${node}${account === undefined ? '' : ` with account ${account}`} on ${host}`,
  command: wanted => added(wanted, { accounts: {} }),
  more: {
    commands: wanted => {
      const { node, account } = wanted
      const id = secretFor(node)
      const add = added(wanted, { accounts: {} })
      return account === undefined ? [add] : [secret(id, `of account ${account} in the site file`), add, forgotten(id)]
    },
    send: async (monitor, call) => {
      const { account } = call.params
      const add = added(call.params, monitor.iscsi)
      try {
        if (account === undefined) await monitor.change(add, call)
        else await withSecret(monitor, call, passwordOf(monitor.iscsi, account), add)
      } catch (error) {
        throw understood(error, call.params, monitor.iscsi)
      }
    },
  },
  claims: ({ node }) => [exclusive('node', node)],
  guard: (now, { node, target, lun }) => guardLun(now, node, target, lun),
  stands: (now, { node }) => (now.nodes.some(one => one.node === node) ? 'there' : 'absent'),
  from: ['absent'],
  to: ['there'],
  result: (after, { node }) => ({ node, bytes: nodeIn(after, node).bytes, driver: nodeIn(after, node).driver }),
})

/** The options of QEMU 7.2's iscsi driver, by its own schema. */
function added(
  { target, lun, portal, node, account }: { readonly [K in keyof Wanted]: Wanted[K] | string },
  { initiator, accounts }: Initiator,
): Command {
  const user = account === undefined ? undefined : accounts[account]?.user
  return {
    execute: 'blockdev-add',
    args: {
      driver: 'iscsi',
      'node-name': node,
      transport: 'tcp',
      portal,
      target,
      lun,
      timeout: ANSWER / 1_000,
      ...(initiator === undefined ? {} : { 'initiator-name': initiator }),
      ...(user === undefined ? {} : { user }),
      ...(account === undefined ? {} : { 'password-secret': secretFor(node) }),
    },
  }
}

/** One name for each node, so that what a crash of ours left behind is found by the next who attaches it. */
const secretFor = (node: string): string => `signalbox.${node}`
const secret = (id: string, data: string): Command => ({ execute: 'object-add', args: { 'qom-type': 'secret', id, data } })
const forgotten = (id: string): Command => ({ execute: 'object-del', args: { id } })

function passwordOf({ accounts }: Initiator, account: string): string {
  const found = Object.hasOwn(accounts, account) ? accounts[account] : undefined
  if (found) return found.password
  throw new Refused(
    `the site file has no CHAP account ${account} for this target; it has ${Object.keys(accounts).join(', ') || 'none'}`,
  )
}

/** The secret is in QEMU, where every other client of a monitor can read it, only while the array is asked to let us in. */
async function withSecret(monitor: Monitor, call: Call<Wanted>, password: string, add: Command): Promise<void> {
  const id = secretFor(call.params.node)
  const gone = async (): Promise<string | undefined> => {
    try {
      await monitor.change(forgotten(id), call)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return /not found/.test(why) ? undefined : `the CHAP secret is in QEMU still, as object ${id}: ${why}`
    }
    return undefined
  }
  try {
    await monitor.change(secret(id, password), call)
  } catch (error) {
    if (!(error instanceof Refused && /duplicate/.test(error.message))) throw error
    await monitor.change(forgotten(id), call)
    await monitor.change(secret(id, password), call)
  }
  try {
    await monitor.change(add, call)
  } catch (error) {
    const left = await gone()
    if (error instanceof Refused && left !== undefined) throw new Refused(`${error.message}; ${left}`)
    throw error
  }
  const left = await gone()
  if (left !== undefined) throw new Uncertain(`it was attached, and ${left}`)
}

/** What libiscsi says, in words that name the side that has to act (measured on QEMU 7.2.22 with libiscsi 1.19 and tgt 1.0.85). */
function understood(error: unknown, { target, lun, portal, account }: Wanted, { initiator }: Initiator): unknown {
  if (!(error instanceof Refused)) return error
  const { message } = error
  const who = initiator === undefined ? 'this initiator (the site file names none)' : initiator
  if (/Authentication failure\(513\)/.test(message))
    return new Refused(
      account === undefined
        ? `${target} wants a CHAP account, and none was said: ${message}`
        : `${target} does not accept CHAP account ${account}: ${message}`,
    )
  if (/Target not found\(515\)/.test(message))
    return new Refused(`${portal} has no ${target} for ${who}: it is not there, or it is masked: ${message}`)
  if (/LOGICAL_UNIT_NOT_SUPPORTED/.test(message)) return new Refused(`${target} has no LUN ${lun} for ${who}: ${message}`)
  if (/Can not reconnect right now|[Cc]onnection refused|command timed out/.test(message))
    return new Unreachable(`no array answers at ${portal}, and nothing was attached: ${message}`)
  return error
}
