/** Why the store could not be started, for the person who started it: what is wrong, then what to do. */
export class CannotStart extends Error {
  override name = 'CannotStart'
}
