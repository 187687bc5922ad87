import { describe, expect, test } from 'vitest'
import { REDACTED, redactedValue, redactor, secretsIn } from '../src/kit/redact.ts'

const SECRET = 'pa55 w/"ord+canary'
const redact = redactor([SECRET])

describe('no secret leaves the process', () => {
  test('a known secret is found however it is spelt', () => {
    for (const spelt of [SECRET, encodeURIComponent(SECRET), JSON.stringify(SECRET), Buffer.from(SECRET).toString('base64')]) {
      const said = redact(`before ${spelt} after`)
      expect(said).toContain(REDACTED)
      expect(said).not.toContain('canary')
      expect(said).toMatch(/^before .*after$/)
    }
  })

  test.each([
    ['naviseccli -h 10.0.0.1 -user admin -password s3cretx getagent', 's3cretx'],
    ['plink -pw s3cretx host', 's3cretx'],
    ['Authorization: Basic czNjcmV0eA==', 'czNjcmV0eA'],
    ['aws_secret_access_key = s3cretx/abc+def', 's3cretx'],
    ['the key AKIAIOSFODNN7EXAMPLE was used', 'AKIAIOSFODNN7'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA\n-----END OPENSSH PRIVATE KEY-----', 'b3BlbnNzaA'],
    ['postgres://user:s3cretx@db/name', 's3cretx'],
    ['chapSecret="s3cretx"', 's3cretx'],
    ['initiator_secret: s3cretx', 's3cretx'],
    ['{"password":"s3cretx","port":22}', 's3cretx'],
    ['xoxb-123456789012-abcdefghij', 'abcdefghij'],
  ])('what looks like a secret is taken out of: %s', (text, secret) => {
    expect(redact(text)).not.toContain(secret)
    expect(redact(text)).toContain(REDACTED)
  })

  test('an ordinary sentence stays as it is', () => {
    for (const text of [
      'set up migration from harddisk5 to harddisk8 on sql01',
      'Path errors: 0; state=alive; policy=SymmOpt',
      'show version of powerpath on sql01',
    ]) {
      expect(redact(text)).toBe(text)
    }
  })

  test('a value is redacted all the way down, and redacting twice changes nothing', () => {
    const value = { host: 'sql01', password: 'short', nested: [{ said: `it was ${SECRET}` }], count: 3, none: null }
    const once = redactedValue(value, redact)
    expect(once).toEqual({ host: 'sql01', password: REDACTED, nested: [{ said: `it was ${REDACTED}` }], count: 3, none: null })
    expect(redactedValue(once, redact)).toEqual(once)
  })

  test('the secrets of a target are known by the names of their settings', () => {
    expect(secretsIn({ host: 'a', hostKey: 'SHA256:x', password: 'one1', key: 'two2', deep: { chapSecret: 'three' } })).toEqual([
      'one1',
      'two2',
      'three',
    ])
  })
})
