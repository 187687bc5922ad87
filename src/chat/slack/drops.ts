/**
 * Why something that arrived was not heard, each counted by its name. bad-signature, stale, replay, too-large, malformed and
 * wrong-app are what nobody but Slack and our own app may send; foreign and shared are people of another organisation; own is what we
 * wrote ourselves; not-for-us is everything else that Slack tells and nobody asked the bot; not-durable could not be written down, and
 * Slack is left to send it again.
 */
export const DROPS = [
  'bad-signature',
  'stale',
  'replay',
  'too-large',
  'malformed',
  'wrong-app',
  'foreign',
  'shared',
  'own',
  'not-for-us',
  'not-durable',
] as const
export type Drop = (typeof DROPS)[number]
