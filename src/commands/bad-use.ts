/** A command that was called with something it cannot use: what is wrong, then what to do. */
export class BadUse extends Error {
  override name = 'BadUse'
}
