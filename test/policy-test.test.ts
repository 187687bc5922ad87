import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { policyCommands } from '../src/commands/policy.ts'
import { guard } from '../src/domain/guard.ts'
import { hours, type Instant, minutes, type Person, type Target } from '../src/domain/ids.ts'
import type { Plan } from '../src/domain/plan.ts'
import { closedFor, type Policy } from '../src/domain/policy.ts'
import type { Planned } from '../src/engine/ears.ts'
import { policyTest, whoCouldApprove } from '../src/engine/policy-test.ts'
import type { Adapter } from '../src/kit/device.ts'
import { labSite } from '../src/lab/site.ts'
import { planner } from '../src/planning.ts'
import { loadAdapters } from '../src/registry.ts'
import { RUNBOOKS } from '../src/runbooks/all.ts'
import { environment } from '../src/site/environment.ts'
import { parseSite, type Site } from '../src/site/site.ts'
import { languageOf } from '../src/spoken.ts'
import { act, action, gate, plan, policyOf, rule } from './fakes/given.ts'

const NOW: Instant = Date.UTC(2026, 10, 26, 12) // a Thursday
const PEOPLE = { olga: ['operator'], lee: ['lead', 'operator'], dee: ['lead', 'operator'], ona: ['app-owner'], vic: ['viewer'] }
const TWO = rule({ and: [{ role: 'app-owner', quorum: 1 }], stepUp: true, reason: 'CHG\\d{7}', risk: 'destructive' })

const planned = (of: Plan): Planned => ({ plan: of, reads: [] })
const asked = (of: Plan, policy: Policy, by = 'olga', because?: string): readonly string[] =>
  policyTest(planned(of), by as Person, policy, NOW, because)

describe('policy test says what a sentence would come to', () => {
  const policy = policyOf(
    PEOPLE,
    { name: 'looks', upTo: 'none', may: 'viewer' },
    { name: 'careful', capability: 'lab.commit', may: 'operator', reason: 'CHG\\d{7}', before: { from: 'routine', rule: TWO } },
    { name: 'the rest', may: 'operator', upTo: 'disruptive' },
  )
  const both = plan(act('sync', 'routine'), act('commit', 'destructive'))

  test('which rule decides about each change, who could open each gate, and what that takes', () => {
    expect(asked(both, policy, 'olga', 'CHG1234567')).toEqual([
      'olga may ask for this: move a disk on sql01.',
      'The rule "the rest" decides about lab.sync on sql01 (routine).',
      'The rule "careful" decides about lab.commit on sql01 (destructive). It wants a reason with /CHG\\d{7}/.',
      'The gate approve-commit (approval) wants one with the role lead and one with the role app-owner, not the one who asked; each with a note like /CHG\\d{7}/, each with a code of their second factor. Who could, as lead: lee, dee; as app-owner: ona.',
    ])
  })

  test('that whoever asks does not count, and that then nobody is left', () => {
    const lines = asked(both, policy, 'lee', 'CHG1234567')
    expect(lines[3]).toContain('Who could, as lead: dee; as app-owner: ona.')
    const alone = policyOf({ lee: ['lead', 'operator'], ona: ['app-owner'] }, ...policy.rules)
    expect(asked(both, alone, 'lee', 'CHG1234567').join(' ')).toMatch(/as lead: nobody; .*besides lee, who asks, and there is 1/)
  })

  test('that a reason is missing, and everything else all the same', () => {
    const lines = asked(both, policy)
    expect(lines).toContain('The rule "careful" wants a reason with /CHG\\d{7}/, and none was given.')
    expect(lines.join('\n')).toContain('The gate approve-commit')
  })

  test('that nothing has to be approved', () => {
    expect(asked(plan(act('sync', 'routine')), policy)).toEqual([
      'olga may ask for this: move a disk on sql01.',
      'The rule "the rest" decides about lab.sync on sql01 (routine).',
      'Nothing has to be approved.',
    ])
  })

  test('why it would be refused: no rule fits, and which one would have to', () => {
    const lines = asked(plan(act('wipe', 'destructive')), policy)
    expect(lines[0]).toContain('olga may not')
    expect(lines.at(-1)).toBe(
      'No rule decides about lab.wipe on sql01 (destructive): one would have to fit it, and go up to destructive.',
    )
  })

  test('why it would be refused: the rule wants a role, and who has it', () => {
    expect(asked(plan(act('sync', 'routine')), policy, 'vic').at(-1)).toBe(
      'The rule "the rest" decides about lab.sync on sql01 (routine). Who has the role operator: olga, lee, dee.',
    )
  })

  test('that it only reads, or may not even be read', () => {
    const read: Planned = { read: action('paths', 'none') }
    expect(policyTest(read, 'vic' as Person, policy, NOW)).toEqual([
      'vic may ask for this: it only reads, and is answered at once.',
      'The rule "looks" decides about lab.paths on sql01 (a read).',
    ])
    expect(policyTest(read, 'ona' as Person, policy, NOW).at(-1)).toContain('Who has the role viewer: vic.')
  })

  test('what is wrong with a sentence that comes to no plan', () => {
    const bad: Planned = { refusal: { no: 'bad value', what: 'level', why: 'it is too high' } }
    expect([policyTest(bad, 'olga' as Person, policy, NOW), whoCouldApprove(bad, policy, NOW)]).toEqual([
      ['level: it is too high.'],
      ['level: it is too high.'],
    ])
  })

  test('what a freeze, a closed window and one that closes too soon keep from starting now', () => {
    const sunday = { from: { day: 0, minute: 0 }, to: { day: 0, minute: 360 } }
    const windowed: Policy = {
      ...policy,
      zone: 'UTC',
      windows: [{ name: 'sunday', target: '*', from: 'routine', zone: 'UTC', open: [sunday] }],
    }
    expect(asked(plan(act('sync', 'routine')), windowed).at(-1)).toBe(
      'Not now, sql01: the change window sunday is closed; it opens Sun 00:00 (UTC).',
    )
    const noon = { from: { minute: 11 * 60 }, to: { minute: 12 * 60 + 10 } }
    const long: Policy = {
      ...windowed,
      rules: policy.rules.map(rule => ({ ...rule, takes: minutes(40) })),
      windows: [{ name: 'noon', target: '*', from: 'routine', zone: 'UTC', open: [noon] }],
    }
    expect(asked(plan(act('sync', 'routine')), long).at(-1)).toContain('the change window noon closes at 12:10')
    const frozen: Policy = {
      ...policy,
      freezes: [{ scope: 'everything', until: NOW + hours(1), by: 'lee' as Person, because: 'quarter end', since: NOW }],
    }
    expect(asked(plan(act('sync', 'routine')), frozen).at(-1)).toContain(
      'everything is frozen until Thu 13:00 (UTC) by lee: quarter end',
    )
    expect(asked(plan(act('sync', 'routine')), frozen, 'olga').slice(0, -1)).toEqual(asked(plan(act('sync', 'routine')), policy))
  })

  test('that a machine opens no gate, and that a chat cannot say who is in its groups', () => {
    const people = new Map(policy.people)
    people.set('bot' as Person, { name: 'bot', roles: new Set(['lead']), handles: [], machine: true })
    people.set('ed' as Person, { name: 'ed', roles: new Set(), handles: [], unsure: new Set(['lead']) })
    const gates = asked(both, { ...policy, people }, 'olga', 'CHG1234567')[3]
    expect(gates).toContain('as lead: lee, dee; as app-owner: ona. The chat that knows the groups of ed cannot be asked now.')
  })
})

describe('who could approve is told whoever asks', () => {
  const policy = policyOf(PEOPLE, {
    name: 'all',
    may: 'operator',
    before: { from: 'disruptive', rule: rule({ ownRequest: true }) },
  })

  test('who may ask, which rule decides, and who stands for which group', () => {
    expect(whoCouldApprove(planned(plan(gate('mine', { quorum: 2 }), act('cutover', 'disruptive'))), policy, NOW)).toEqual([
      'move a disk on sql01: olga, lee, dee may ask for it.',
      'The rule "all" decides about lab.cutover on sql01 (disruptive).',
      'The gate mine (approval) wants 2 with the role lead, not the one who asked. Who could, as lead: lee, dee.',
    ])
  })

  test('that nobody may even ask', () => {
    const lines = whoCouldApprove(planned(plan(act('sync', 'routine'))), policyOf(PEOPLE, { name: 'all', may: 'dba' }), NOW)
    expect(lines).toEqual([
      'Nobody may ask for this.',
      'The rule "all" decides about lab.sync on sql01 (routine). Who has the role dba: nobody.',
    ])
  })

  test('that a read needs nobody', () => {
    expect(whoCouldApprove({ read: action('paths', 'none') }, policy, NOW)).toEqual([
      'It only reads: nothing has to be approved.',
    ])
  })
})

describe('sites that are ready for use', () => {
  let adapters: ReadonlyMap<string, Adapter>
  beforeAll(async () => {
    adapters = await loadAdapters()
  })
  const plannedOn = (site: Site, sentence: string): Extract<Planned, { plan: Plan }> => {
    const heard = languageOf(site, adapters).parse(sentence)
    if (!('command' in heard) || (heard.command.kind !== 'run' && heard.command.kind !== 'act')) throw new Error(sentence)
    const found = planner(adapters, RUNBOOKS, site.runbooks)(heard.command)
    if (!('plan' in found)) throw new Error(JSON.stringify(found))
    return found
  }
  const MIGRATE = 'migrate harddisk5 to harddisk8 on sql01'

  test.each(['small-team', 'two-person', 'regulated'])('%s has the people for a whole migration, and not for one alone', name => {
    const text = readFileSync(new URL(`../deploy/policies/${name}.yaml`, import.meta.url), 'utf8')
    const site = parseSite(text, name, adapters, {})
    const { plan, reads } = plannedOn(site, MIGRATE)
    const gated = guard(plan, site.policy, 'ann' as Person, reads, 'CHG1234567')
    if ('refusal' in gated) throw new Error(JSON.stringify(gated.refusal))
    expect(closedFor(gated.plan, site.policy, 'ann' as Person)).toBeUndefined()
    const approvals = gated.plan.stages
      .flat()
      .flatMap(step => (step.kind === 'gate' && step.for === 'approval' ? [step.rule] : []))
    expect(approvals.length).toBeGreaterThan(1)
    for (const rule of approvals) expect(rule.ownRequest).toBe(false)
  })

  const settings = { host: 'sql01', username: 'u', password: 'secret', os: 'linux' }
  const lab = (env?: string) => ({ kind: 'powerpath', settings, ...(env === undefined ? {} : { labels: { env } }) })
  const labOf = (...more: Parameters<typeof labSite>) => parseSite(labSite(...more), 'the lab', adapters, {})
  const gatesOn = (site: Site, target: string) => {
    const asked = {
      ...act('it', 'destructive'),
      action: { ...action('x', 'destructive', {}, target), capability: 'powerpath.commit' },
    }
    const gated = guard(plan(asked), site.policy, 'operator' as Person)
    if ('refusal' in gated) throw new Error(JSON.stringify(gated.refusal))
    return gated.plan.stages.flat().flatMap(step => (step.kind === 'gate' ? [step.rule] : []))
  }

  test('the lab shows two groups, a second factor and a window on targets of their own, and on others what it always did', () => {
    const site = labOf({ sql01: lab(), erp01: lab('shared'), kms01: lab('vault'), web01: lab('office') })
    expect(site.notes).toEqual([])
    expect(gatesOn(site, 'sql01')).toEqual([
      expect.objectContaining({ role: 'lead', quorum: 1, ownRequest: false, within: hours(4) }),
    ])
    expect(gatesOn(site, 'sql01')[0]).not.toHaveProperty('stepUp')
    expect(gatesOn(site, 'erp01')).toEqual([expect.objectContaining({ role: 'lead', and: [{ role: 'app-owner', quorum: 1 }] })])
    expect(gatesOn(site, 'kms01')).toEqual([expect.objectContaining({ role: 'lead', stepUp: true })])
    expect(gatesOn(site, 'web01')).toEqual(gatesOn(site, 'sql01'))
    expect(site.rulebook.windows.map(({ name, where }) => [name, where])).toEqual([['nights', { env: 'office' }]])
    expect(site.rulebook.glass).toMatchObject({ may: 'operator', rule: { role: 'lead', quorum: 1, ownRequest: false } })
  })

  test('a story of the lab chooses when its window is open', () => {
    const window = { on: { env: 'office' }, from: 'routine', open: ['sat 22:00 to sun 06:00'] }
    const site = labOf({ web01: lab('office') }, undefined, { weekend: window })
    const lines = policyTest(plannedOn(site, 'sync session 1 on web01'), 'operator' as Person, site.policy, NOW)
    expect(lines.at(-1)).toBe('Not now, web01: the change window weekend is closed; it opens Sat 22:00 (UTC).')
  })

  test('everybody of the lab could be asked, and the owner approves what is shared', () => {
    const site = labOf({ erp01: lab('shared') })
    const lines = whoCouldApprove(plannedOn(site, 'commit session 1 on erp01'), site.policy, NOW)
    expect(lines.at(-1)).toContain('as lead: lead, deputy; as app-owner: owner.')
    expect([...site.targets.keys()]).toEqual(['erp01' as Target])
  })
})

describe('on the command line', () => {
  const site = (name: string): string => fileURLToPath(new URL(`../deploy/policies/${name}.yaml`, import.meta.url))
  /** What a command says, and the status it ends with. */
  const run = async (...words: readonly string[]): Promise<readonly [number, string]> => {
    const [said, program] = [[] as string[], new Command()]
    const log = vi.spyOn(console, 'log').mockImplementation((text: string) => void said.push(text))
    let status = 0
    policyCommands(
      program,
      () => environment({ SIGNALBOX_SITE: site('regulated') }),
      code => (status = code),
    )
    try {
      await program.parseAsync(['node', 'signalbox', 'policy', ...words])
    } finally {
      log.mockRestore()
    }
    return [status, said.join('\n')]
  }

  test('`policy test` says what would come of a sentence, and ends with 2 where it would be refused', async () => {
    const [status, said] = await run('test', 'commit session 1 on sql01 because "CHG0012345"', '--as', 'ann')
    expect([status, said]).toEqual([0, expect.stringContaining('ann may ask for this: commit session 1 on sql01.')])
    expect(said).not.toContain('none was given')
    expect(await run('test', 'commit session 1 on sql01', '--as', 'aud')).toEqual([2, expect.stringContaining('aud may not')])
    expect(await run('test', 'comit sesion 1')).toEqual([2, expect.stringContaining('stopped understanding')])
  })

  test('`policy test` without a person says who could ask and approve, also for what changes Signalbox itself', async () => {
    const [status, said] = await run('test', 'accept policy')
    expect(status).toBe(0)
    expect(said).toContain('ann, bob, cho may ask for it.')
    expect(said).toContain('as storage-lead: bob, cho; as app-owner: dot, eli.')
    const [, freeze] = await run('test', 'freeze production until mon 08:00 because "quarter end"', '--as', 'ann')
    expect(freeze).toMatch(/decides about signalbox\.freeze on signalbox \(routine\)\.\nNothing has to be approved\.$/)
    expect((await run('test', 'thaw production because "done"'))[1]).toContain('The gate approve-thaw')
    expect(await run('test', 'show runs')).toEqual([0, expect.stringContaining('no rule decides')])
  })

  test('`policy test` for somebody whom the file does not know says whom it knows', async () => {
    await expect(run('test', 'show runs', '--as', 'mallory')).rejects.toThrow(
      'knows no mallory. It knows ann, bob, cho, dot, eli, aud.',
    )
  })

  test('`policy diff` shows what differs, without any secret, and ends with 1 if anything does', async () => {
    const [status, said] = await run('diff', site('small-team'), site('two-person'))
    expect(status).toBe(1)
    expect(said).toContain('+ role engineer: includes lead')
    expect(await run('diff', site('regulated'), site('regulated'))).toEqual([0, 'The rules are the same.'])
    // The example wants passwords from the environment, and nobody has given them here.
    expect((await run('diff', site('../site.example'), site('regulated')))[0]).toBe(1)
  })
})
