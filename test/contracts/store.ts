import { afterAll, beforeAll, describe } from 'vitest'
import { follows } from './store-follows.ts'
import { forgeries } from './store-forged.ts'
import { type Given, givenBy, type Opened } from './store-given.ts'
import { holds } from './store-holds.ts'
import { inbox } from './store-inbox.ts'
import { ledger } from './store-ledger.ts'
import { log } from './store-log.ts'
import { posts } from './store-posts.ts'
import { runs } from './store-runs.ts'
import { sweep } from './store-sweep.ts'
import { telling } from './store-telling.ts'
import { turns } from './store-turns.ts'

/** What every store promises. Knows none by name. */
export function storeContract(name: string, open: () => Promise<Opened>): void {
  describe(name, () => {
    const given = {} as Given // there once the tests begin
    beforeAll(async () => {
      Object.assign(given, givenBy(await open()))
    })
    afterAll(() => given.stop())
    for (const section of [runs, holds, sweep, inbox, posts, telling, follows, log, ledger, turns, forgeries]) section(given)
  })
}
