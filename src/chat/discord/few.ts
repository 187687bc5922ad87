/** A map that forgets what was put in first once it is full: what it forgets can be asked for again. */
export interface Few<T> {
  get(name: string): T | undefined
  put(name: string, value: T): void
  drop(name: string): void
  clear(): void
  all(): Iterable<readonly [string, T]>
}

export function few<T>(most: number): Few<T> {
  const all = new Map<string, T>()
  return {
    get: name => all.get(name),
    put(name, value) {
      all.delete(name)
      all.set(name, value)
      for (const oldest of all.keys()) {
        if (all.size <= most) break
        all.delete(oldest)
      }
    },
    drop: name => void all.delete(name),
    clear: () => all.clear(),
    all: () => all.entries(),
  }
}
