import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Misread, Refused } from '../../src/kit/errors.ts'
import { type Area, checked } from './areas.ts'
import { judge } from './change.ts'
import { pointIn } from './disks.ts'
import vsphere from './index.ts'
import { whyWhole } from './listing.ts'
import { foundAnywhere } from './pasted.ts'
import { pageIn } from './properties.ts'
import { contentIn, loginRequest, logoutRequest, machinesRequest, ROOT, viewIn } from './session.ts'
import { answerIn, envelope, escaped, Fault, type Ref, type Request } from './soap.ts'
import { readXml } from './xml.ts'

const FOLDER = fileURLToPath(new URL('captures', import.meta.url))
const capture = (name: string): string => readFileSync(`${FOLDER}/${name}`, 'utf8')
const vm: Ref = { kind: 'VirtualMachine', id: 'vm-69' }

describe('what a vCenter simulator of others once said is read as it is', () => {
  test.each(readdirSync(FOLDER).filter(name => name.endsWith('.res.xml')))('%s is an answer or a fault, whole', name => {
    const [, method = ''] = /<(\w+) xmlns="urn:vim25">/.exec(capture(name.replace('.res.', '.req.'))) ?? []
    const read = (): unknown => answerIn(capture(name), method)
    if (capture(name).includes('Fault>')) expect(read).toThrow(Fault)
    else expect(read()).toBeInstanceOf(Array)
  })

  test('the content says which objects everything begins at', () => {
    expect(vsphere.readings['content']?.read(capture('01-RetrieveServiceContent.res.xml'))).toEqual({
      rootFolder: { kind: 'Folder', id: 'group-d1' },
      propertyCollector: { kind: 'PropertyCollector', id: 'propertyCollector' },
      viewManager: { kind: 'ViewManager', id: 'ViewManager' },
      sessionManager: { kind: 'SessionManager', id: 'SessionManager' },
      taskManager: { kind: 'TaskManager', id: 'TaskManager' },
      version: '6.5',
    })
  })

  test('six machines', () => {
    expect(vsphere.readings['machines']?.read(capture('05-RetrievePropertiesEx-vms.res.xml'))).toMatchObject([
      { name: 'DC0_H0_VM0', ref: { id: 'vm-69' }, power: 'poweredOn' },
      { name: 'DC0_H0_VM1' },
      { name: 'DC0_H1_VM0' },
      { name: 'DC0_H1_VM1' },
      { name: 'DC0_C0_RP0_VM0' },
      { name: 'DC0_C0_RP0_VM1' },
    ])
  })

  test('one disk among twelve devices, which is not number 2000 and has no change id', () => {
    expect(vsphere.readings['disks']?.read(capture('11-RetrieveProperties-device.res.xml'))).toEqual([
      {
        key: 255511522,
        label: 'disk-202-0',
        bytes: 1_048_576,
        file: '[LocalDS_0] DC0_H0_VM0/disk1.vmdk',
        mode: 'persistent',
        datastore: { kind: 'Datastore', id: '/tmp/govcsim-DC0-LocalDS_0-124790474@folder-5' },
      },
    ])
  })

  test('a task that made a snapshot, and one that came too late', () => {
    expect(vsphere.readings['tasks']?.read(capture('09-CreateSnapshot_Task-task.res.xml'))).toMatchObject([
      { task: 'task-87', what: 'VirtualMachine.createSnapshot', state: 'success', entity: 'vm-69', cancelable: false },
    ])
    expect(vsphere.readings['tasks']?.read(capture('20-PowerOffVM_Task-again-task.res.xml'))).toMatchObject([
      { task: 'task-92', state: 'error', error: 'InvalidPowerState: *types.InvalidPowerState' },
    ])
  })

  test.each([
    ['02-Login-bad', 'Login', 'InvalidLogin', 'Login failure'],
    [
      '10-QueryChangedDiskAreas',
      'QueryChangedDiskAreas',
      'MethodNotFound',
      'VirtualMachine:vm-69 does not implement: QueryChangedDiskAreas',
    ],
    [
      '16-RemoveSnapshot_Task-again',
      'RemoveSnapshot_Task',
      'ManagedObjectNotFound',
      'managed object not found: VirtualMachineSnapshot:snapshot-88',
    ],
    ['24-CreateSnapshot_Task-after-logout', 'CreateSnapshot_Task', 'NotAuthenticated', ''],
  ])('the fault of %s has its kind and its words', (name, method, kind, message) => {
    const seen = (() => {
      try {
        return answerIn(capture(`${name}.res.xml`), method)
      } catch (error) {
        return error
      }
    })()
    expect(seen).toMatchObject({ name: 'Fault', kind, message })
  })
})

describe('what is asked is what was asked then', () => {
  const content = contentIn(answerIn(capture('01-RetrieveServiceContent.res.xml'), 'RetrieveServiceContent'))
  const snapshot: Ref = { kind: 'VirtualMachineSnapshot', id: 'snapshot-88' }
  test.each<[string, Request]>([
    ['01-RetrieveServiceContent', { method: 'RetrieveServiceContent', of: ROOT, args: [] }],
    ['03-Login', loginRequest(content, { username: 'user', password: 'pass' })],
    ['04-CreateContainerView', machinesRequest(content)],
    ['06-ReconfigVM_Task-CBT', { method: 'ReconfigVM_Task', of: vm, args: [['spec', [['changeTrackingEnabled', true]]]] }],
    ['14-RemoveSnapshot_Task', { method: 'RemoveSnapshot_Task', of: snapshot, args: [['removeChildren', false]] }],
    ['17-PowerOffVM_Task', { method: 'PowerOffVM_Task', of: vm, args: [] }],
    ['23-Logout', logoutRequest(content)],
  ])('%s', (name, request) => {
    expect(envelope(request)).toBe(capture(`${name}.req.xml`))
  })

  test('the view of the machines is the one that was made', () => {
    expect(viewIn(answerIn(capture('04-CreateContainerView.res.xml'), 'CreateContainerView'))).toMatchObject({
      kind: 'ContainerView',
    })
  })

  test('whatever stands in a text, it is that text again and nothing beside it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), said => {
        const build = (): string => envelope({ method: 'Login', of: vm, args: [['password', said]] })
        if (/[^\t\n\r\u0020-\u007e\u00a0-\ufffd\u{10000}-\u{10ffff}]/u.test(said)) return void expect(build).toThrow(Refused)
        const body = readXml(build()).children[0]?.children[0]
        expect(body?.children.map(one => one.name)).toEqual(['_this', 'password'])
        // XML reads every end of a line as one.
        expect(body?.children[1]?.text.replace(/\r\n?/g, '\n')).toBe(said.replace(/\r\n?/g, '\n'))
      }),
    )
    expect(escaped(`<a b="c">&'`)).toBe('&lt;a b=&quot;c&quot;&gt;&amp;&apos;')
  })
})

describe('an answer is whole and plain, or it is none', () => {
  const good = capture('05-RetrievePropertiesEx-vms.res.xml')
  const bomb = `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><Envelope><Body>&b;</Body></Envelope>`
  test.each([
    ['an entity bomb', bomb],
    ['an entity nobody declared', good.replace('DC0_H0_VM0', '&boom;')],
    ['a bare ampersand', good.replace('DC0_H0_VM0', 'a & b')],
    ['a character that a number hides', good.replace('DC0_H0_VM0', '&#7;')],
    ['a comment', good.replace('DC0_H0_VM0', 'DC0<!-- -->VM0')],
    ['a CDATA section', good.replace('DC0_H0_VM0', '<![CDATA[x]]>')],
    ['a control character', good.replace('DC0_H0_VM0', 'DC0\u001b[2J')],
    ['half of it', good.slice(0, good.length / 2)],
    ['all but its end', good.trimEnd().slice(0, -6)],
    ['twice', good + good.replace(/^<\?xml.*\n/, '')],
    ['with words behind it', `${good}Proceed? [y|n]`],
    ['with words before it', `Warning\n${good}`],
    ['a page of HTML', '<html><body>Session expired</body></html>'],
    ['an answer to something else', good.replaceAll('RetrievePropertiesExResponse', 'LoginResponse')],
    ['an object without a name', good.replace('<obj type="VirtualMachine">vm-69</obj>', '')],
    ['a power state of its own', good.replace('poweredOn', 'mostlyOn')],
    ['a machine without a power state', good.replace(/<propSet><name>runtime.powerState<.*?<\/propSet>/, '')],
    ['nesting without an end', `<Envelope>${'<a>'.repeat(200)}${'</a>'.repeat(200)}</Envelope>`],
    ['more than anybody wants', `<Envelope>${'x'.repeat(17 * 1024 * 1024)}</Envelope>`],
  ])('%s is a Misread', (_, text) => {
    expect(() => vsphere.readings['machines']?.read(text)).toThrow(Misread)
  })

  test('wherever it is cut, it is a Misread', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: good.trimEnd().length - 1 }), at => {
        expect(() => vsphere.readings['machines']?.read(good.slice(0, at))).toThrow(Misread)
      }),
    )
  })

  test('a property that may not be read is an error, and not an absence', () => {
    const hidden = good.replace(
      '</objects>',
      '<missingSet><path>snapshot</path><fault><fault XMLSchema-instance:type="NoPermission" xmlns:XMLSchema-instance="http://www.w3.org/2001/XMLSchema-instance"></fault><localizedMessage>Permission was denied.</localizedMessage></fault></missingSet></objects>',
    )
    expect(() => foundAnywhere(hidden)).toThrow('does not show snapshot of vm-69: Permission was denied.')
  })

  test('no machine at all is an answer', () => {
    const none = good.replace(/<returnval>.*<\/returnval>/, '')
    expect(pageIn(answerIn(none, 'RetrievePropertiesEx'))).toEqual({ found: [] })
  })
})

describe('a window of changed areas is in order and inside the disk', () => {
  const K = 65_536
  const window = (offset: number, length: number, ...areas: readonly (readonly [number, number])[]) => ({
    offset,
    length,
    areas: areas.map(([at, bytes]): Area => ({ offset: at, length: bytes })),
  })

  test.each([
    ['begins elsewhere', window(K, K)],
    ['covers nothing', window(0, 0)],
    ['goes behind the end', window(0, 20 * K)],
    ['has an empty area', window(0, 4 * K, [0, 0])],
    ['overlaps', window(0, 4 * K, [0, 2 * K], [K, K])],
    ['is out of order', window(0, 4 * K, [2 * K, K], [0, K])],
    ['has an area behind its end', window(0, 2 * K, [K, 2 * K])],
    ['has an area behind the end of the disk', window(0, 10 * K, [9 * K, 2 * K])],
  ])('one that %s is a Misread', (_, one) => {
    expect(() => checked(one, 0, 10 * K)).toThrow(Misread)
  })

  test('the last block of a disk that ends in the middle of it is cut there', () => {
    expect(checked(window(0, 3 * K, [2 * K, K]), 0, 2 * K + 512)).toEqual(window(0, 2 * K + 512, [2 * K, 512]))
  })

  test('an area of any size is taken: nothing depends on 64 KiB', () => {
    expect(checked(window(0, 4 * K, [512, 1024]), 0, 10 * K).areas).toEqual([{ offset: 512, length: 1024 }])
  })
})

describe('a point of a disk', () => {
  const [then, now] = ['52 de c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65 63/4', '52 DE c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65 63/7']
  test.each([
    ['there is none now', undefined, then, 'its changes are not tracked yet'],
    ['there was none then', now, undefined, 'no point was given'],
    ['tracking began anew', now.replace('52 DE', '52 aa'), then, 'its tracking was begun anew since'],
    ['the machine was reverted', now.replace('/7', '/3'), then, 'it was reverted since'],
    ['all is well', now, then, undefined],
    ['nothing was copied in between', then, then, undefined],
  ])('when %s', (_, at, since, why) => {
    expect(whyWhole(at, since)).toBe(why)
  })

  test.each(['', '*', '/4', '52', '52 de/', '52 de/-1', '52 de/4/5', '52 de; rm/4', '52 de/99999999999999999999'])(
    '%j is none',
    text => {
      expect(pointIn(text)).toBeUndefined()
    },
  )
})

describe('a doubt is judged by what moved', () => {
  const moves = { from: ['there'], to: ['absent'] }
  const at = (stands: string, about = 'vm-69 snapshot-88') => ({ stands, about })
  test.each([
    ['there, then absent', at('there'), at('absent', 'vm-69'), true],
    ['there still', at('there'), at('there'), false],
    ['another snapshot of that name', at('there'), at('there', 'vm-69 snapshot-99'), 'unknown'],
    ['another machine of that name', at('there'), at('absent', 'vm-70'), 'unknown'],
    ['absent before', at('absent', 'vm-69'), at('absent', 'vm-69'), 'unknown'],
    ['a task goes on', at('there'), at('in the middle of a task'), 'unknown'],
  ])('%s', (_, before, now, done) => {
    expect(judge(moves, before, now).done).toBe(done)
  })

  test('a state that was set before may be set again', () => {
    expect(judge({ from: ['off'], to: ['on'], repeatable: true }, at('on'), at('on')).done).toBe(true)
  })
})

test('the password goes to https, or to the loopback, and nowhere else', () => {
  const settings = { username: 'backup@vsphere.local', password: 'secret-enough' }
  const parsed = (url: string) => vsphere.settings.safeParse({ ...settings, url }).success
  expect(
    ['https://vc01.example/sdk', 'https://vc01.example:8443', 'http://127.0.0.1:8989/sdk', 'http://[::1]:8989/sdk'].map(parsed),
  ).toEqual([true, true, true, true])
  expect(
    [
      'http://vc01.example/sdk',
      'http://127.0.0.1.example/sdk',
      'http://localhost.example',
      'https://user:pw@vc01.example',
      'ftp://vc01',
      'http://127.0.0.1@evil.example/',
    ].map(parsed),
  ).toEqual([false, false, false, false, false, false])
})
