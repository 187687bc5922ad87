import { describe, expect, test } from 'vitest'
import { explain } from '../src/domain/refusal.ts'
import { COMMANDS, RUNBOOKS } from '../src/language/commands-help.ts'
import type { Inventory } from '../src/language/inventory.ts'
import { parse } from '../src/language/parse.ts'

const site: Inventory = {
  targets: new Map([
    ['sql01', { kind: 'powerpath' }],
    ['sql02', { kind: 'powerpath' }],
    ['vm01', { kind: 'qemu' }],
    ['VMAX-275', { kind: 'vmax' }],
    ['vc01', { kind: 'vsphere' }],
    ['dr01', { kind: 'blocksync' }],
    ['aws01', { kind: 'aws' }],
    ['helper01', { kind: 'linux' }],
  ]),
}
const command = (text: string): unknown => {
  const result = parse(text, site)
  return 'command' in result ? result.command : explain(result.refusal)
}

describe('a sentence becomes a command', () => {
  test.each([
    ['approve R7', { kind: 'vote', verdict: 'approve', run: 'R7' }],
    ['Approve r7 Cutover', { kind: 'vote', verdict: 'approve', run: 'R7', step: 'cutover' }],
    [
      'approve R7 cutover because "quiet now"',
      { kind: 'vote', verdict: 'approve', run: 'R7', step: 'cutover', because: 'quiet now' },
    ],
    ['approve R7 cutover as 3FA9c1d2e0', { kind: 'vote', verdict: 'approve', run: 'R7', step: 'cutover', shown: '3fa9c1d2e0' }],
    ['approve R7 as 3fa9c1d2e0', { kind: 'vote', verdict: 'approve', run: 'R7', shown: '3fa9c1d2e0' }],
    ['deny R7', { kind: 'vote', verdict: 'deny', run: 'R7' }],
    ['deny R7 cutover because "not today"', { kind: 'vote', verdict: 'deny', run: 'R7', step: 'cutover', because: 'not today' }],
    ['confirm R7 cluster-pinned', { kind: 'vote', verdict: 'approve', run: 'R7', step: 'cluster-pinned' }],
    ['tell R7 setup happened because "seen"', { kind: 'tell', run: 'R7', step: 'setup', happened: true, because: 'seen' }],
    [
      'tell R7 setup did not happen because "looked"',
      { kind: 'tell', run: 'R7', step: 'setup', happened: false, because: 'looked' },
    ],
    ['retry R7', { kind: 'retry', run: 'R7' }],
    ['retry R7 setup', { kind: 'retry', run: 'R7', step: 'setup' }],
    ['skip R7 setup because "by hand"', { kind: 'skip', run: 'R7', step: 'setup', because: 'by hand' }],
    ['roll back R7', { kind: 'roll back', run: 'R7' }],
    ['roll back R7 because "slow"', { kind: 'roll back', run: 'R7', because: 'slow' }],
    ['give up R7', { kind: 'give up', run: 'R7' }],
    ['cancel R7', { kind: 'cancel', run: 'R7' }],
    ['pause R7', { kind: 'pause', run: 'R7' }],
    ['resume R7', { kind: 'resume', run: 'R7' }],
    ['show R7', { kind: 'show run', run: 'R7' }],
    ['show runs', { kind: 'show runs', which: 'live' }],
    ['status', { kind: 'show runs', which: 'live' }],
    ['show all runs', { kind: 'show runs', which: 'all' }],
    ['show targets', { kind: 'show targets' }],
    ['show chats', { kind: 'show chats' }],
    ['show subscriptions', { kind: 'show subscriptions' }],
    ['chart r7', { kind: 'chart', run: 'R7' }],
    ['watch R7', { kind: 'watch', run: 'R7' }],
    ['watch R7 here', { kind: 'watch', run: 'R7' }],
    ['unwatch R7', { kind: 'unwatch', run: 'R7' }],
    ['unwatch R7 here', { kind: 'unwatch', run: 'R7' }],
    ['stop watching R7', { kind: 'unwatch', run: 'R7' }],
    ['stop watching R7 here', { kind: 'unwatch', run: 'R7' }],
    ['subscribe here to everything', { kind: 'subscribe', to: '*' }],
    ['subscribe here to everything on VMAX-*', { kind: 'subscribe', to: '*', on: 'VMAX-*' }],
    ['subscribe here to migrations', { kind: 'subscribe', to: 'migrate' }],
    ['subscribe here to migrations on sql01', { kind: 'subscribe', to: 'migrate', on: 'sql01' }],
    ['Subscribe #C0OPS to Migrations on vmax-**', { kind: 'subscribe', channel: '#C0OPS', to: 'migrate', on: 'vmax-*' }],
    ['subscribe #123456789012345678 to everything', { kind: 'subscribe', channel: '#123456789012345678', to: '*' }],
    ['unsubscribe here', { kind: 'unsubscribe' }],
    ['unsubscribe here from everything', { kind: 'unsubscribe' }],
    ['unsubscribe #storage-ops', { kind: 'unsubscribe', channel: '#storage-ops' }],
    ['unsubscribe #C0OPS from migrations', { kind: 'unsubscribe', channel: '#C0OPS', from: 'migrate' }],
    ['quiet here from 22:00 to 07:00', { kind: 'quiet', from: 1320, to: 420, zone: 'UTC' }],
    [
      'quiet #C0OPS from 0:00 to 23:59 in europe/berlin',
      { kind: 'quiet', channel: '#C0OPS', from: 0, to: 1439, zone: 'Europe/Berlin' },
    ],
    ['quiet here from 22:00 to 7:30 in Asia/Kolkata', { kind: 'quiet', from: 1320, to: 450, zone: 'Asia/Kolkata' }],
    ['no quiet hours here', { kind: 'no quiet' }],
    ['no quiet hours #C0OPS', { kind: 'no quiet', channel: '#C0OPS' }],
    ['what waits for me?', { kind: 'home' }],
    ['home', { kind: 'home' }],
    ['who could approve R7', { kind: 'who may approve', run: 'R7' }],
    ['who may approve R7', { kind: 'who may approve', run: 'R7' }],
    ['what can I do', { kind: 'what can I do' }],
    ['what can I do on SQL01', { kind: 'what can I do', target: 'sql01' }],
    ['estimate 4TB over 50Mb/s', { kind: 'estimate', size: 4e12, rate: 6.25e6 }],
    [
      'estimate 4 TiB over 100 MB/s with 6.36% changed at 60 %',
      { kind: 'estimate', size: 4 * 2 ** 40, rate: 1e8, changed: 0.0636, utilisation: 0.6 },
    ],
    ['help', { kind: 'help' }],
    ['help migrate', { kind: 'help', topic: 'migrate' }],
    ['help clean up session', { kind: 'help', topic: 'clean up session' }],
    [
      'migrate harddisk5 to harddisk14 on sql01',
      { kind: 'run', runbook: 'migrate', params: { host: 'sql01', from: 'harddisk5', to: 'harddisk14' } },
    ],
    [
      'migrate harddisk5 to harddisk14 on sql01 soak 2 h with throttle 36%',
      {
        kind: 'run',
        runbook: 'migrate',
        params: { host: 'sql01', from: 'harddisk5', to: 'harddisk14', throttle: 2, soak: 7_200_000 },
      },
    ],
    [
      String.raw`migrate \\.\PHYSICALDRIVE2 to /dev/emcpowera1 on sql01 with throttle 4 soak 1h30m`,
      {
        kind: 'run',
        runbook: 'migrate',
        params: { host: 'sql01', from: String.raw`\\.\PHYSICALDRIVE2`, to: '/dev/emcpowera1', throttle: 4, soak: 5_400_000 },
      },
    ],
  ])('%s', (text, expected) => expect(command(text)).toEqual(expected))

  test.each([
    ['show hbas on sql01', 'hbas', {}],
    ['show paths on sql01', 'paths', {}],
    ['show paths of harddisk14 on sql01', 'pathsOf', { device: 'harddisk14' }],
    ['show sessions on sql01', 'sessions', {}],
    ['show session 1 on sql01', 'session', { session: 1 }],
    ['show version of powerpath on sql01', 'version', {}],
    ['set up migration from harddisk5 to harddisk14 on sql01', 'setup', { source: 'harddisk5', target: 'harddisk14' }],
    ['sync session 1 on sql01', 'sync', { session: 1 }],
    ['start sync of session 1 on sql01', 'sync', { session: 1 }],
    ['throttle session 1 on sql01 to 4', 'throttle', { session: 1, level: 4 }],
    ['throttle session 1 on sql01 to 7.8%', 'throttle', { session: 1, level: 5 }],
    ['set throttle of session 1 on sql01 to 36 percent', 'throttle', { session: 1, level: 2 }],
    ['pause session 1 on sql01', 'pause', { session: 1 }],
    ['resume session 1 on sql01', 'resume', { session: 1 }],
    ['select target of session 1 on sql01', 'selectTarget', { session: 1 }],
    ['select source of session 1 on sql01', 'selectSource', { session: 1 }],
    ['commit session 1 on sql01', 'commit', { session: 1 }],
    ['abort session 1 on sql01', 'abort', { session: 1 }],
    ['clean up session 1 on sql01', 'cleanup', { session: 1 }],
  ])('%s', (text, verb, params) =>
    expect(command(text)).toEqual({ kind: 'act', wish: { capability: `powerpath.${verb}`, target: 'sql01', params } }),
  )

  test('every example that help shows is understood', () => {
    const refused = [...COMMANDS, ...RUNBOOKS].flatMap(it => it.examples).filter(it => 'refusal' in parse(it, site))
    expect(refused).toEqual([])
  })
})

describe('what chat clients do to a sentence does not matter', () => {
  test.each([
    'skip R7 setup because “by hand”',
    'skip R7 setup because ‘by hand’',
    "skip R7 setup because 'by hand'",
    'skip\u00a0R7\u202fsetup  because "by hand"',
    '\ufeffskip R7\u200b setup because "by hand" ',
    '`skip R7 setup because "by hand"`',
    '```\nskip R7 setup because "by hand"\n```',
    'Skip r7 SETUP Because "by hand".',
    '  skip R7 setup because "by hand" !\n',
  ])('%s', text => expect(command(text)).toEqual({ kind: 'skip', run: 'R7', step: 'setup', because: 'by hand' }))

  test.each(['`subscribe\u00a0#C0OPS to everything.`', '\ufeffSUBSCRIBE #C0OPS\u200b to everything'])('%s', text =>
    expect(command(text)).toEqual({ kind: 'subscribe', channel: '#C0OPS', to: '*' }),
  )

  test('an apostrophe in a reason stays one', () => {
    expect(command('deny R7 because “don’t”')).toMatchObject({ because: "don't" })
    expect(command("deny R7 because 'don't do that'")).toMatchObject({ because: "don't do that" })
  })
})
