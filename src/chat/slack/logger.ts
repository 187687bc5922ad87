import { type Logger, LogLevel } from '@slack/web-api'

/**
 * What the libraries have to say, for whoever runs the bot: warnings and errors, without tokens and without the address of a socket,
 * which is as good as a token while it lasts. Their `debug` would print whole bodies; it goes nowhere.
 */
export function quietLogger(log: (line: string) => void): Logger {
  const say = (...words: readonly unknown[]): void => log(withoutSecrets(words.map(String).join(' ')).slice(0, 500))
  return {
    debug: () => {},
    info: () => {},
    warn: say,
    error: say,
    setLevel: () => {},
    getLevel: () => LogLevel.WARN,
    setName: () => {},
  }
}

export const withoutSecrets = (text: string): string =>
  text
    .replace(/\b(?:xox[a-z]|xapp|xwfp)-[\w.-]+/gi, '[redacted]')
    .replace(/\bBearer\s+\S+/gi, 'Bearer [redacted]')
    .replace(/\bwss?:\/\/\S+/gi, '[redacted]')
    .replace(/\bhttps?:\/\/(?:hooks|files)\.slack\.com\S+/gi, '[redacted]')
