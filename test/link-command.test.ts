import { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type LinkHouse, linkCommands } from '../src/commands/link.ts'
import { type Handle, hours } from '../src/domain/ids.ts'
import { links } from '../src/engine/links.ts'
import { newTries } from '../src/engine/tries.ts'
import { sealWith } from '../src/seal/seal.ts'
import { environment } from '../src/site/environment.ts'
import { handle, type LedgerStore, ledgerStore, listedAs, rulebook } from './fakes/linking.ts'

const SITE = rulebook({ ann: listedAs(['operator']), bob: listedAs(['lead'], ['slack:UBOB']) })

let store: LedgerStore
let house: Omit<LinkHouse, 'close'>
let said: string[]
let status: number
let opened: number
beforeEach(() => {
  store = ledgerStore()
  house = { store, seal: sealWith(Buffer.alloc(32, 7)), rulebook: () => SITE }
  said = []
  status = 0
  opened = 0
  vi.spyOn(console, 'log').mockImplementation((line: unknown) => void said.push(String(line)))
})
afterEach(() => {
  vi.restoreAllMocks()
  expect(opened, 'the database is closed again').toBe(0)
})

async function signalbox(...words: readonly string[]): Promise<string> {
  const program = new Command('signalbox').exitOverride().configureOutput({ writeErr: () => {} })
  const from = said.length
  linkCommands(
    program,
    () => environment({ NO_COLOR: '1' }),
    code => {
      status = code
    },
    async () => {
      opened++
      return { ...house, close: async () => void opened-- }
    },
  )
  await program.parseAsync(['node', 'signalbox', ...words])
  return said.slice(from).join('\n')
}

/** What somebody says in a chat whom nobody knows there. */
const inChat = async (from: string, command: Parameters<typeof links>[0]): Promise<string> => {
  const policy = () => Promise.reject(new Error('a stranger is asked for no rule'))
  const card = await links(command, { by: handle(from) }, undefined, { ...house, policy, tries: newTries() })
  return [card.title, ...card.lines].join('\n')
}
const codeIn = (text: string): string => /\b[0-9A-Z]{4}-[0-9A-Z]{4}\b/.exec(text)?.[0] ?? 'no code'
const owner = async (account: string) => (await store.ledger()).links.get(account as Handle)?.person

describe('the command line', () => {
  test('takes the code of an account to a person, and prints the one to say there', async () => {
    const first = codeIn(await inChat('slack:U1', { kind: 'link me' }))
    // As it is read aloud over the phone.
    const printed = await signalbox('link', first.toLowerCase().replace('-', ''), '--as', 'ann')
    expect(printed).toContain('slack:U1 is to speak as ann. Go on only if it is the account of ann')
    expect(status).toBe(0)
    expect(await owner('slack:U1')).toBeUndefined()
    await inChat('slack:U1', { kind: 'link', code: codeIn(printed) })
    expect(await owner('slack:U1')).toBe('ann')
    expect(store.events[1]).toMatchObject({ type: 'link.answered', by: 'command line', person: 'ann' })
  })

  test('ends with status 1 for a code that is none, and for a person whom the site file does not have', async () => {
    expect(await signalbox('link', 'ZZZZ-ZZZZ', '--as', 'ann')).toContain('There is no such code')
    expect(status).toBe(1)
    status = 0
    const first = codeIn(await inChat('slack:U1', { kind: 'link me' }))
    expect(await signalbox('link', first, '--as', 'zoe')).toContain('There is nobody called zoe under `people`')
    expect(status).toBe(1)
  })

  test('does not guess whose an account is: without --as nothing is done', async () => {
    await expect(signalbox('link', 'ZZZZ-ZZZZ')).rejects.toThrow('--as')
    expect(store.events).toEqual([])
  })

  test('lists every account with its person, and until when it is linked', async () => {
    const printed = await signalbox('link', codeIn(await inChat('slack:U1', { kind: 'link me' })), '--as', 'ann')
    await inChat('slack:U1', { kind: 'link', code: codeIn(printed) })
    const list = await signalbox('links')
    expect(list).toContain('slack:UBOB  bob  from the site file')
    expect(list).toMatch(/slack:U1 {2}ann {2}linked until 20\d\d-\d\d-\d\d/)
    store.push(91 * hours(24))
    expect(await signalbox('links')).toMatch(/slack:U1 {2}ann {2}ran out on/)
  })

  test('ends a link, and keeps why and that it was done here', async () => {
    const printed = await signalbox('link', codeIn(await inChat('slack:U1', { kind: 'link me' })), '--as', 'ann')
    await inChat('slack:U1', { kind: 'link', code: codeIn(printed) })
    await expect(signalbox('unlink', 'slack:U1')).rejects.toThrow('--because')
    await expect(signalbox('unlink', 'slack:U1', '--because', ' ')).rejects.toThrow('Say why')
    expect(await owner('slack:U1')).toBe('ann')
    expect(await signalbox('unlink', 'slack:U1', '--because', 'left the company')).toContain('does not speak as ann any more')
    expect(await owner('slack:U1')).toBeUndefined()
    expect(store.events.at(-1)).toEqual({
      type: 'link.ended',
      handle: 'slack:U1',
      by: 'command line',
      because: 'left the company',
    })
  })

  test('ends with status 1 where there is nothing to end', async () => {
    expect(await signalbox('unlink', 'slack:UBOB', '--because', 'x')).toContain('known from the site file, as bob')
    expect(await signalbox('unlink', 'slack:U9', '--because', 'x')).toContain('is not linked to anybody')
    expect(status).toBe(1)
  })
})
