/** What the site has, as far as a sentence can name it. */
export interface Inventory {
  readonly targets: ReadonlyMap<string, { readonly kind: string }>
  /** The live runs and their steps: what completion offers. A sentence may name any run. */
  readonly runs?: ReadonlyMap<string, readonly string[]>
}

/** The names of the targets that are of one of these kinds; of any kind if none is given. */
export const targetsOf = ({ targets }: Inventory, wanted: readonly string[] = []): readonly string[] =>
  [...targets].filter(([, { kind }]) => wanted.length === 0 || wanted.includes(kind)).map(([name]) => name)

/** The site's spelling of a target. Two targets that differ in case only are told apart by it, so that nothing is guessed. */
export function spelling({ targets }: Inventory, name: string): string | undefined {
  if (targets.has(name)) return name
  const folded = [...targets.keys()].filter(it => it.toLowerCase() === name.toLowerCase())
  return folded.length === 1 ? folded[0] : undefined
}
