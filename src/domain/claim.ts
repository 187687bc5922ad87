/** A path in the resource tree that a run holds: "sql01/disk/harddisk5". A claim covers everything below it. */
export interface Claim {
  readonly path: string
  readonly mode: 'exclusive' | 'shared'
}

/** Two claims get in each other's way when one path contains the other and one of them is exclusive. */
export const collide = (a: Claim, b: Claim): boolean =>
  (a.mode === 'exclusive' || b.mode === 'exclusive') && (within(a.path, b.path) || within(b.path, a.path))

const within = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(`${outer}/`)

/** A device name as one segment of a path: whatever the device allows, a slash in it must not climb the tree. */
export const segment = (name: string | number): string => encodeURIComponent(String(name))
