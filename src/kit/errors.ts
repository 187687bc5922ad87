/** It did not happen: the device said no. */
export class Refused extends Error {
  override name = 'Refused'
}
/** It did not happen: nothing was sent. Worth another try. */
export class Unreachable extends Error {
  override name = 'Unreachable'
}
/** It may have happened: sent, and not answered. Whatever else a perform throws counts as this. */
export class Uncertain extends Error {
  override name = 'Uncertain'
}

/** The text is not what the reading expects. Half an answer is no answer: the raw text is kept for people. */
export class Misread extends Error {
  override name = 'Misread'
  readonly raw: string
  constructor(message: string, raw: string) {
    super(message)
    this.raw = raw
  }
}
