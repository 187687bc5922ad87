import { lapsed } from './domain/link.ts'
import { diffOf, rulebookDigest } from './domain/policy-diff.ts'
import type { Rulebook } from './domain/rulebook.ts'
import { type Authority, authority } from './engine/authority.ts'
import type { Ears } from './engine/ears.ts'
import { links } from './engine/links.ts'
import { stepUp } from './engine/step-up.ts'
import { systemClock } from './engine/system-clock.ts'
import { newTries } from './engine/tries.ts'
import { ownAdapter } from './own/adapter.ts'
import type { Chat } from './ports/chat.ts'
import type { Seal } from './ports/seal.ts'
import type { Store } from './ports/store.ts'
import { totp } from './seal/totp.ts'

export interface TrustParts {
  readonly store: Store
  readonly rulebook: Rulebook // of the site file
  readonly chats: readonly Chat[]
  readonly seal: Seal
  /** Where rules have changed since: they wait for an approval, or, where nothing is at stake as in the lab, hold at once. */
  readonly changed: 'wait' | 'hold'
}

/** Who is who and who may what: the site file, the ledger and the chats, joined. */
export interface Trust extends Authority, Pick<Ears, 'stepUp' | 'links' | 'lapsed' | 'policyChange'> {
  readonly own: ReturnType<typeof ownAdapter>
}

/** The rules of the first start hold; after that those that were accepted, whatever the site file says by now. */
export async function openTrust({ store, rulebook, chats, seal, changed }: TrustParts): Promise<Trust> {
  const digest = rulebookDigest(rulebook)
  await store.keep(({ policy }) => {
    const by = policy === undefined ? 'the first start' : changed === 'hold' && policy.digest !== digest ? 'the lab' : undefined
    return by === undefined ? [] : [{ type: 'policy.accepted', digest, rulebook, by, key: `${by} ${digest}` }]
  })
  const known = new Map(chats.map(chat => [chat.name, chat]))
  const { policy, active } = authority({ store, rulebook, chats: known, clock: systemClock })
  const parts = { store, seal, policy, rulebook: () => rulebook, tries: newTries() }
  /** The rules that hold, where they are not those of the site file. */
  const other = async (): Promise<Rulebook | undefined> => {
    const { policy } = await store.ledger()
    return policy && policy.digest !== digest ? policy.rulebook : undefined
  }
  return {
    policy,
    active,
    own: ownAdapter({ store, offered: async () => ((await other()) ? { digest, rulebook } : undefined) }),
    async policyChange() {
      const holds = await other()
      return holds && { digest, lines: diffOf(holds, rulebook) }
    },
    lapsed: async handle => lapsed(await store.ledger(), rulebook, handle, await store.now()),
    links: (command, said, by) => links(command, said, by, parts),
    stepUp: (said, by) => stepUp(said, by, { store, seal, totp }),
  }
}
