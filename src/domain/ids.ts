declare const brand: unique symbol
type Brand<T, Name extends string> = T & { readonly [brand]: Name }

export type RunId = Brand<string, 'RunId'> // "R7": short enough to say aloud
export type BoardId = Brand<string, 'BoardId'> // "board:slack/C1/1": many runs in one message; the second of a channel ends in 2
export type ScheduleId = Brand<string, 'ScheduleId'> // "schedule:S3": what a schedule has to say in a chat
export type StepId = Brand<string, 'StepId'> // "cutover", unique within its run
export type IntentId = Brand<string, 'IntentId'> // "R7/select-target/1": run, step, attempt; never random
export type Target = Brand<string, 'Target'> // "sql01", a device or host named in the site file
export type Person = Brand<string, 'Person'> // "ann", a human in the site file, whichever chat she speaks in
export type Handle = Brand<string, 'Handle'> // "slack:U042", who the chat says is speaking
export type Digest = Brand<string, 'Digest'> // SHA-256 of canonical JSON, in hex
export type Instant = number // milliseconds since 1970; survives JSON
export type Millis = number
export type Bytes = number
export type BytesPerSecond = number

export const seconds = (n: number): Millis => n * 1_000
export const minutes = (n: number): Millis => n * 60_000
export const hours = (n: number): Millis => n * 3_600_000
