/** Why there is no key to seal with, for the person who started Signalbox: what is wrong, then what to do. */
export class CannotSeal extends Error {
  override name = 'CannotSeal'
}
