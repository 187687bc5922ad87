/**
 * Why something that arrived was not heard, each counted by its name. wrong-app, foreign (another guild) and direct are not meant for
 * us; stale is too old or from the future; unlisted was said in a channel that the site does
 * not name; own is what we wrote ourselves; not-durable could not be written down, and its speaker was told to say it again.
 */
export const DROPS = ['wrong-app', 'foreign', 'direct', 'stale', 'too-large', 'malformed', 'unlisted', 'not-durable'] as const
export type Drop = (typeof DROPS)[number]
