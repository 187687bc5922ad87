import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { minutes, type Person, seconds } from '../src/domain/ids.ts'
import { explain } from '../src/domain/refusal.ts'
import { bound, mayTry, secretOf } from '../src/domain/step-up.ts'
import { enrol, removeFactor, stepUp } from '../src/engine/step-up.ts'
import type { Store } from '../src/ports/store.ts'
import { sealWith } from '../src/seal/seal.ts'
import { codeAt, newSecret, totp } from '../src/seal/totp.ts'
import { openStore } from '../src/store/postgres.ts'
import { kept } from './fakes/kept.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const [ANN, BOB] = ['ann' as Person, 'bob' as Person]
const NOW = 1_763_640_015_000 // in the middle of a time step
const STEP = seconds(30)
const seal = sealWith(Buffer.alloc(32, 7))

/** Ann has a second factor; the code that she enrolled with belongs to the step before. */
async function enrolled(secret = newSecret()) {
  const store = kept(NOW - STEP)
  const parts = { store, seal, totp }
  expect(await enrol({ person: ANN, secret, code: codeAt(secret, store.time), by: 'command line', replace: false }, parts)).toBe(
    'enrolled',
  )
  store.time = NOW
  const give = (code: string | undefined, by = ANN) => stepUp(code === undefined ? {} : { code }, by, parts)
  /** A code that no step near this time has. */
  const wrong = () => {
    const right = new Set([-2, -1, 0, 1, 2].map(step => codeAt(secret, store.time + step * STEP)))
    return ['000000', '111111', '222222', '333333', '444444', '555555'].find(code => !right.has(code)) ?? ''
  }
  return { secret, store, parts, give, wrong, code: (at = store.time) => codeAt(secret, at) }
}

const failing = async ({ give, wrong }: Awaited<ReturnType<typeof enrolled>>, times: number): Promise<void> => {
  for (let n = 0; n < times; n++) expect(await give(wrong())).toMatchObject({ no: 'needs a code' })
}
const why = (part: string) => ({ no: 'needs a code', why: expect.stringContaining(part) as string })

describe('a code of a second factor', () => {
  test('is taken when it is right, with a space in it or not, and is noted as used and kept nowhere', async () => {
    const ann = await enrolled()
    const code = ann.code()
    expect(await ann.give(`${code.slice(0, 3)} ${code.slice(3)}`)).toBe('totp')
    expect(ann.store.events().at(-1)).toEqual({ type: 'factor.used', person: ANN, counter: Math.floor(NOW / STEP) })
    expect(JSON.stringify(ann.store.events())).not.toContain(code)
  })

  test('counts once: a replay is refused, and so is the code before it, though its time is not over', async () => {
    const ann = await enrolled()
    const [before, code] = [ann.code(NOW - STEP), ann.code()]
    expect(await ann.give(code)).toBe('totp')
    expect(await ann.give(code)).toMatchObject(why('used already'))
    expect(await ann.give(before)).toMatchObject(why('used already'))
    ann.store.time += STEP
    expect(await ann.give(code)).toMatchObject(why('used already'))
    expect(await ann.give(ann.code())).toBe('totp')
  })

  test('that showed the enrolment opens nothing afterwards', async () => {
    const ann = await enrolled()
    expect(await ann.give(ann.code(NOW - STEP))).toMatchObject(why('used already'))
  })

  test('is taken one step too early and one too late, and not two', async () => {
    for (const [step, taken] of [
      [-2, false],
      [-1, true],
      [0, true],
      [1, true],
      [2, false],
    ] as const) {
      const ann = await enrolled()
      ann.store.time += 5 * STEP
      const answer = await ann.give(ann.code(ann.store.time + step * STEP))
      expect(answer === 'totp', `${step} steps`).toBe(taken)
    }
  })

  test('is judged by the time of the database, whatever the clock of this process says', async () => {
    const ann = await enrolled()
    const [ours, theirs] = [Date.now(), ann.store.time]
    expect(Math.abs(ours - theirs)).toBeGreaterThan(minutes(60))
    expect(await ann.give(codeAt(ann.secret, ours))).toMatchObject(why('not right'))
    expect(await ann.give(codeAt(ann.secret, theirs))).toBe('totp')
  })

  test('of which two people at once have hold is taken from one of them', async () => {
    const ann = await enrolled()
    const code = ann.code()
    const answers = await Promise.all(Array.from({ length: 8 }, () => ann.give(code)))
    expect(answers.filter(answer => answer === 'totp')).toHaveLength(1)
    expect(ann.store.events().filter(event => event.type === 'factor.used')).toHaveLength(2)
  })

  test('of one person is nothing for another', async () => {
    const ann = await enrolled()
    const secret = newSecret()
    const code = codeAt(secret, NOW)
    await enrol({ person: BOB, secret, code, by: 'command line', replace: false }, ann.parts)
    expect(await ann.give(ann.code(), BOB)).toMatchObject(why('not right'))
  })
})

describe('a chat session that was stolen', () => {
  test('gets nowhere with no code, an empty one, or one that cannot be right, and nothing of that counts as wrong', async () => {
    const ann = await enrolled()
    const before = ann.store.events().length
    for (const code of [undefined, '', '  '])
      expect(await ann.give(code)).toMatchObject(why('wants a code of your second factor'))
    for (const code of ['12345', '1234567', 'abcdef', '12345６', '1e5000'])
      expect(await ann.give(code)).toMatchObject(why('six digits'))
    expect(ann.store.events()).toHaveLength(before)
  })

  test('of somebody who has no second factor is told how to get one, which is not in the chat', async () => {
    const ann = await enrolled()
    for (const code of [undefined, '123456']) {
      const answer = await ann.give(code, BOB)
      expect(answer).toMatchObject({
        ...why('none yet'),
        instead: expect.stringContaining('signalbox step-up enrol bob') as string,
      })
    }
  })

  test('has five wrong codes; then not even a right one is taken for 15 minutes', async () => {
    const ann = await enrolled()
    await failing(ann, 4)
    expect(await ann.give(ann.wrong())).toMatchObject(
      why('too many wrong codes were given for you, and no other is taken for 15 min'),
    )
    expect(await ann.give(ann.code())).toMatchObject(why('too many wrong codes'))
    ann.store.time += minutes(15) - 1
    expect(await ann.give(ann.code())).toMatchObject(why('too many wrong codes'))
    ann.store.time += 1
    expect(await ann.give(ann.code())).toBe('totp')
  })

  test('does not make the wait longer by trying on, and has five more after it', async () => {
    const ann = await enrolled()
    await failing(ann, 9)
    ann.store.time += minutes(15)
    await failing(ann, 4)
    expect(await ann.give(ann.code())).toBe('totp')
  })

  test('that tries on and on has twenty wrong codes in all, then one a day', async () => {
    const ann = await enrolled()
    for (let n = 0; n < 3; n++) {
      await failing(ann, 5)
      ann.store.time += minutes(15)
    }
    await failing(ann, 5)
    for (let day = 0; day < 3; day++) {
      ann.store.time += minutes(24 * 60) - 1
      expect(await ann.give(ann.code())).toMatchObject(why('too many wrong codes'))
      ann.store.time += 1
      await failing(ann, 1)
    }
    ann.store.time += minutes(24 * 60)
    expect(await ann.give(ann.code())).toBe('totp')
    await failing(ann, 4)
    expect(await ann.give(ann.code(ann.store.time + STEP)), 'a right one wipes the slate').toBe('totp')
  })

  test('cannot race past the lock: of twenty wrong codes at once five are looked at', async () => {
    const ann = await enrolled()
    await Promise.all(Array.from({ length: 20 }, () => ann.give(ann.wrong())))
    expect(ann.store.events().filter(event => event.type === 'factor.failed')).toHaveLength(5)
  })
})

describe('wrong codes', () => {
  const at = (...ago: number[]) => ({ failures: ago.map(minutes => NOW - minutes * 60_000) })
  test('lock when five lie within 15 minutes, and not when they are spread', () => {
    expect(mayTry(at(), NOW)).toEqual({ ok: true })
    expect(mayTry(at(14, 9, 6, 3, 1), NOW)).toEqual({ until: NOW + minutes(14) })
    expect(mayTry(at(17, 9, 6, 3, 1), NOW)).toEqual({ ok: true })
    expect(mayTry(at(30, 29, 28, 27, 16), NOW)).toEqual({ ok: true })
  })
})

describe('what the database has of a second factor', () => {
  test('is not its secret', async () => {
    const secret = newSecret()
    const ann = await enrolled(secret)
    const dump = JSON.stringify([ann.store.events(), [...(await ann.store.ledger()).factors]])
    expect(dump).toContain('factor.enrolled')
    expect(dump).not.toContain(secret)
    expect(dump).not.toContain(Buffer.from(secret).toString('base64url').slice(0, 20))
  })

  test('is of no use with another key, which is said, and locks nobody out', async () => {
    const ann = await enrolled()
    const parts = { ...ann.parts, seal: sealWith(Buffer.alloc(32, 8)) }
    for (let n = 0; n < 6; n++)
      expect(await stepUp({ code: ann.code() }, ANN, parts)).toMatchObject(why('cannot be read with the key'))
    expect(await ann.give(ann.code())).toBe('totp')
  })

  test('does not make one person another: a sealed secret put in somebody else’s place is not theirs', async () => {
    const ann = await enrolled()
    const { sealed } = (await ann.store.ledger()).factors.get(ANN) ?? { sealed: '' }
    await ann.store.keep(() => [{ type: 'factor.enrolled', person: BOB, sealed, by: 'sql' }])
    expect(await ann.give(ann.code(), BOB)).toMatchObject(why('cannot be read'))
    expect(secretOf(BOB, bound(ANN, 'S'))).toBeUndefined()
    expect(secretOf('an' as Person, bound(ANN, 'S'))).toBeUndefined()
    expect(secretOf(ANN, bound(ANN, 'S'))).toBe('S')
  })
})

describe('enrolling', () => {
  const given = () => {
    const store = kept(NOW)
    const secret = newSecret()
    return { store, secret, parts: { store, seal, totp }, with: { person: ANN, secret, by: 'command line' } }
  }

  test('with a code that is not right keeps nothing', async () => {
    const it = given()
    const other = codeAt(it.secret, NOW + 10 * STEP)
    expect(await enrol({ ...it.with, code: other, replace: false }, it.parts)).toBe('wrong code')
    expect(it.store.events()).toEqual([])
  })

  test('over a second factor that is there is refused, and replaces it when that is said', async () => {
    const it = given()
    const code = codeAt(it.secret, NOW)
    await enrol({ ...it.with, code, replace: false }, it.parts)
    const another = newSecret()
    const again = { ...it.with, secret: another, code: codeAt(another, NOW) }
    expect(await enrol({ ...again, replace: false }, it.parts)).toBe('has one')
    expect(await enrol({ ...again, replace: true }, it.parts)).toBe('enrolled')
    it.store.time += STEP
    expect(await stepUp({ code: codeAt(it.secret, it.store.time) }, ANN, it.parts)).toMatchObject(why('not right'))
    expect(await stepUp({ code: codeAt(another, it.store.time) }, ANN, it.parts)).toBe('totp')
  })

  test('twice at once gives one second factor', async () => {
    const it = given()
    const code = codeAt(it.secret, NOW)
    const outcomes = await Promise.all([1, 2].map(() => enrol({ ...it.with, code, replace: false }, it.parts)))
    expect([...outcomes].sort()).toEqual(['enrolled', 'has one'])
  })

  test('is undone by removing, after which no code of it is worth anything', async () => {
    const ann = await enrolled()
    const why = { person: ANN, by: 'command line', because: 'lost phone' }
    expect(await removeFactor(why, ann.parts)).toBe(true)
    expect(await removeFactor(why, ann.parts)).toBe(false)
    expect(ann.store.events().at(-1)).toEqual({ type: 'factor.removed', ...why })
    expect(await ann.give(ann.code())).toMatchObject({ no: 'needs a code', why: expect.stringContaining('none yet') as string })
  })
})

describe('what is said for want of a code', () => {
  test('is two sentences, without an exclamation mark, and says what to do', async () => {
    const ann = await enrolled()
    const answers = [
      await ann.give(undefined),
      await ann.give(undefined, BOB),
      await ann.give('12'),
      await ann.give(ann.wrong()),
      await ann.give(ann.code(NOW - STEP)),
    ]
    for (const answer of answers) {
      if (answer === 'totp') throw new Error('that must be refused')
      const lines = explain(answer)
      expect(lines).toHaveLength(2)
      for (const line of lines) expect(line).toMatch(/^[A-Z][^!]*\.$/)
    }
  })
})

describe('in Postgres', () => {
  let postgres: TestPostgres
  let schema: string
  let stores: readonly [Store, Store] // of two processes
  const secret = newSecret()
  beforeAll(async () => {
    postgres = await testPostgres()
    schema = postgres.schema()
    const open = () => openStore(postgres.url, { schema, sign: seal.sign })
    stores = [await open(), await open()]
    const [store] = stores
    const code = codeAt(secret, await store.now())
    expect(await enrol({ person: ANN, secret, code, by: 'command line', replace: false }, { store, seal, totp })).toBe('enrolled')
  }, 60_000)
  afterAll(async () => {
    await Promise.all(stores.map(store => store.stop()))
    await postgres.stop()
  })
  const give = (code: string, store: Store) => stepUp({ code }, ANN, { store, seal, totp })

  test('one code that two processes take at once is taken by one of them', async () => {
    const code = codeAt(secret, (await stores[0].now()) + STEP)
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => give(code, stores[n % 2 === 0 ? 0 : 1])))
    expect(answers.filter(answer => answer === 'totp')).toHaveLength(1)
    for (const answer of answers) if (answer !== 'totp') expect(answer).toMatchObject(why('used already'))
  })

  test('only its time counts: a code of our own time is nothing when it says that it is later', async () => {
    await postgres.pushClock(schema, minutes(10))
    expect(await give(codeAt(secret, Date.now()), stores[0])).toMatchObject(why('not right'))
    expect(await give(codeAt(secret, await stores[0].now()), stores[1])).toBe('totp')
  })

  test('of many wrong codes at once, by two processes, five are looked at', async () => {
    const right = [-2, -1, 0, 1, 2].map(step => codeAt(secret, Date.now() + minutes(10) + step * STEP))
    const wrong = ['000000', '111111', '222222', '333333', '444444', '555555'].find(code => !right.includes(code)) ?? ''
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => give(wrong, stores[n % 2 === 0 ? 0 : 1])))
    expect(answers.filter(answer => answer !== 'totp' && answer.why.includes('not right'))).toHaveLength(4)
    expect((await stores[0].ledger()).factors.get(ANN)?.failures).toHaveLength(5)
  })

  test('a dump has no secret in it', async () => {
    const dump = JSON.stringify(await postgres.sql(`select type, data::text from ${schema}.ledger`))
    expect(dump).toContain('factor.enrolled')
    expect(dump).not.toContain(secret)
  })
})
