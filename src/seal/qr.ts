import { encodeQR } from 'qr'

/** The lowest correction: a screen is not scratched, and each row counts in a terminal. */
const HOW = { ecc: 'low' } as const

/**
 * Two modules to a character. With colours it is dark on light whatever the terminal has; without, it is right on a dark ground, and
 * most phones read the negative too.
 */
export const qrLines = (text: string, colours: boolean): readonly string[] =>
  encodeQR(text, 'ascii', HOW)
    .split('\n')
    .filter(line => line !== '')
    .map(line => (colours ? `\u001b[97;40m${line}\u001b[0m` : line))

export const qrSvg = (text: string): string => encodeQR(text, 'svg', HOW)
