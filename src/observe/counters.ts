/** Counts what happens, under a name and bounded labels. Names and units are those of Prometheus. */
export interface Counters {
  add(name: string, labels: Readonly<Record<string, string>>): void
  read(name: string, labels: Readonly<Record<string, string>>): number
  /** The lines of the exposition format, version 0.0.4. */
  lines(): readonly string[]
}

/** Labels come from closed sets; should one not, the process does not grow for it. */
const MOST = 1_000

export function newCounters(): Counters {
  const counts = new Map<string, number>()
  const keyOf = (name: string, labels: Readonly<Record<string, string>>): string =>
    `${name}{${Object.entries(labels)
      .map(([label, value]) => `${label}="${escaped(value)}"`)
      .join(',')}}`
  return {
    add(name, labels) {
      const key = keyOf(name, labels)
      if (counts.has(key) || counts.size < MOST) counts.set(key, (counts.get(key) ?? 0) + 1)
    },
    read: (name, labels) => counts.get(keyOf(name, labels)) ?? 0,
    lines() {
      const names = [...new Set([...counts.keys()].map(key => key.slice(0, key.indexOf('{'))))].sort()
      return names.flatMap(name => [
        `# TYPE ${name} counter`,
        ...[...counts]
          .filter(([key]) => key.startsWith(`${name}{`))
          .map(([key, count]) => `${key} ${count}`)
          .sort(),
      ])
    },
  }
}

const escaped = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
