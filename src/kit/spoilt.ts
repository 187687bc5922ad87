import { cutInTheMiddle } from './misbehave.ts'

/** Ways in which an answer can be hostile, by what it then is. */
export const HOSTILE: readonly (readonly [string, (answer: string) => string])[] = [
  ['cut in the middle', cutInTheMiddle],
  ['cut in its last line', answer => answer.trimEnd().slice(0, -6)],
  ['empty', () => ''],
  ['full of control characters', answer => answer.replaceAll('\n', '\u001b[2J\u0007\u001b]0;owned\u0007\r\n')],
  ['full of bytes', answer => answer + String.fromCharCode(...Array.from({ length: 200 }, (_, at) => 128 + (at % 100)))],
  ['followed by a mention', answer => `${answer}\n<!channel> @everyone <https://example.invalid|press here>\n`],
  ['followed by a question', answer => `${answer}\nWarning: removing last active path to volume. Proceed? [y|n|a|q] `],
  ['in another language', answer => answer.replace(/[A-Za-z]{4,}/g, 'Zustand')],
  ['a page of HTML', () => '<!doctype html><html><body>Session expired</body></html>\n'],
]
