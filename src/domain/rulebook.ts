import type { ApprovalRule } from './approval.ts'
import type { Opening } from './calendar.ts'
import type { Handle, Millis } from './ids.ts'
import type { Risk } from './plan.ts'

/**
 * What the site file says about who may do what: plain data, so that it can be stored, compared and approved. Together with the
 * ledger and what the chats say of their groups it becomes the policy of a moment.
 */
export interface Rulebook {
  readonly zone: string // IANA; of times that name none
  readonly roles: Readonly<Record<string, Role>>
  readonly people: Readonly<Record<string, Listed>>
  readonly rules: readonly Rule[]
  readonly labels: Readonly<Record<string, Labels>> // of every target, also those that have none
  readonly windows: readonly Window[]
  readonly glass?: Glass
  readonly links: { readonly expire: Millis; readonly coolDown: Millis }
}

/** The house among its own targets: what it does with itself, nothing freezes and no window keeps from being done. */
export const HOUSE_TARGET = 'signalbox'

export type Labels = Readonly<Record<string, string>> // env: production

export interface Role {
  readonly includes: readonly string[]
  readonly groups: readonly string[] // "slack:S0LEADS", "discord:110...": whoever is linked and in one of them has the role
}

export interface Listed {
  readonly name: string
  readonly roles: readonly string[]
  readonly handles: readonly Handle[] // known without a link
  readonly machine?: true // a service account: it may ask, and its vote never counts
}

/** The first rule that matches an action decides who may ask for it and what it must wait for. */
export interface Rule {
  readonly name: string
  readonly capability: string // "powerpath.*"
  readonly target: string // "prod-*"
  readonly where?: Labels // all of them
  readonly params?: Readonly<Record<string, string>> // patterns of the action's parameters
  readonly upTo: Risk // matches only actions up to this risk
  readonly may: string // the role that may ask
  readonly reason?: string // a pattern that the words of the request must contain
  readonly takes?: Millis // what such a change needs inside a change window, where its own patience says too much or too little
  readonly start?: ApprovalRule // one gate at the head, for what the whole run may do
  readonly before?: { readonly from: Risk; readonly rule: ApprovalRule } // a gate right before each step of this risk or a higher one
}

/** When changes of certain targets are allowed. Of several windows for one target, one that is open is enough. */
export interface Window {
  readonly name: string
  readonly where?: Labels
  readonly target?: string // a pattern
  readonly from: Risk // changes of this risk or a higher one
  readonly zone: string
  readonly open: readonly Opening[]
}

/** What a broken glass is worth: for a short while the gates of one run open by this rule and no other, inside a window or not. */
export interface Glass {
  readonly may: string
  readonly within: Millis
  readonly rule: ApprovalRule
}
