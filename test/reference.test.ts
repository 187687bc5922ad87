import { expect, test } from 'vitest'
import { writeReference } from '../src/commands/reference.ts'
import { loadAdapters } from '../src/registry.ts'

test('the language reference is what the grammar and the capabilities say', async () => {
  expect(writeReference(await loadAdapters(), true)).toEqual([])
})
