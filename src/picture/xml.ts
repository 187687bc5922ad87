/** Untrusted text as XML text: markup is escaped, and what XML or a reader does not take is made visible. */
export const escaped = (text: string): string =>
  text
    .replace(/[\t\n\r]/g, ' ')
    .replace(UNREADABLE, '\ufffd')
    .replace(/[&<>"']/g, char => `&#${char.codePointAt(0)};`)

/** Control characters, what turns the direction of writing or hides, and halves of characters. */
const UNREADABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]|\p{Surrogate}/gu

/** As much of a text as there is room for, counted in letters of the usual breadth. */
export function clipped(text: string, room: number): string {
  const characters = [...text]
  const breadths = characters.map(breadth)
  if (sum(breadths) <= room) return text
  const fits = characters.filter((_, n) => sum(breadths.slice(0, n + 1)) <= room - 2)
  return `${fits.join('').trimEnd()}...`
}

const breadth = (character: string): number =>
  /[mwMW@%]|[^\u0000-\u024f]/.test(character) ? 1.8 : /[A-Z0-9_&#+=<>~]/.test(character) ? 1.25 : 1
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
