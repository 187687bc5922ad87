import { existsSync, readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'
import { isJson, listOf, textOf } from './wire.ts'
import type { Json } from './world.ts'

/** Slack's own description of its Web API, of 2021: what it does not know is unchecked, not wrong. */
export interface Spec {
  readonly there: boolean // whether the descriptions stand beside the checkout
  /** What is wrong with the arguments of a call. */
  request(method: string, args: Json): readonly string[]
  /** What is wrong with an answer of the fake's own. */
  answer(method: string, body: unknown): readonly string[]
  /** What is wrong with an event of the fake's own, as it is wrapped. */
  event(body: unknown): readonly string[]
}

const FOLDER = new URL('../../../../shared/specs/', import.meta.url)
const METHODS = new URL('slack-web-openapi-v2.json', FOLDER)
const EVENTS = new URL('slack-event-wrapper.schema.json', FOLDER)

let known: Spec | undefined

/** Read once for all fakes of a process; where it is not there, that is said once and nothing is checked by it. */
export function slackSpec(): Spec {
  known ??= existsSync(METHODS) && existsSync(EVENTS) ? specOf(read(METHODS), read(EVENTS)) : without()
  return known
}

const read = (file: URL): unknown => JSON.parse(readFileSync(file, 'utf8'))

function without(): Spec {
  console.warn(
    'The descriptions of the chat vendors are not beside the checkout: requests to the fake Slack are not checked by them.',
  )
  return { there: false, request: () => [], answer: () => [], event: () => [] }
}

/** Fields that the description still wants and Slack no longer does: the token is in the header, and other ways in have come up. */
const NO_LONGER: ReadonlySet<string> = new Set(['token', 'trigger_id', 'view_id', 'usergroup'])

function specOf(description: unknown, wrapper: unknown): Spec {
  const root = isJson(description) ? description : {}
  const paths = isJson(root['paths']) ? root['paths'] : {}
  const operation = (method: string): Json => {
    const path = paths[`/${method}`]
    const found = isJson(path) ? (path['post'] ?? path['get']) : undefined
    return isJson(found) ? found : {}
  }
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false })
  ajv.addSchema({ $id: 'slack', definitions: open(root['definitions']) })
  // `authed_users` has given way to `authorizations`, and left the events in 2021.
  const { required, ...rest } = open(wrapper)
  const wrapped = ajv.compile({
    ...rest,
    required: Array.isArray(required) ? required.filter(name => name !== 'authed_users') : [],
  })
  const validators = new Map<string, ValidateFunction | undefined>()
  return {
    there: true,
    request: (method, args) =>
      listOf(operation(method)['parameters']).flatMap(parameter => argumentComplaints(method, parameter, args)),
    answer(method, body) {
      if (!validators.has(method)) validators.set(method, validatorOf(ajv, operation(method)))
      const validate = validators.get(method)
      if (!validate || validate(body)) return []
      return (validate.errors ?? []).map(({ instancePath, message }) => `${method} answers ${instancePath || '/'} ${message}`)
    },
    event(body) {
      if (wrapped(body)) return []
      return (wrapped.errors ?? []).map(({ instancePath, message }) => `an event says ${instancePath || '/'} ${message}`)
    },
  }
}

function argumentComplaints(method: string, { name, type, required }: Json, args: Json): readonly string[] {
  const word = textOf(name) ?? ''
  const value = args[word]
  if (value === undefined) return required === true && !NO_LONGER.has(word) ? [`${method} without ${word}`] : []
  // In a form everything is text, and what the description calls a string may be a structure in a JSON body.
  const fits =
    type === 'integer'
      ? /^-?\d+$/.test(String(value))
      : type === 'number'
        ? Number.isFinite(Number(value))
        : type === 'boolean'
          ? ['true', 'false', '0', '1'].includes(String(value))
          : true
  return fits ? [] : [`${method} with a ${word} that is no ${String(type)}`]
}

function validatorOf(ajv: Ajv, operation: Json): ValidateFunction | undefined {
  const responses = isJson(operation['responses']) ? operation['responses'] : {}
  const good = isJson(responses['200']) ? responses['200']['schema'] : undefined
  return isJson(good) ? ajv.compile(pointed(open(good))) : undefined
}

/** Without the ban on further properties, many of which have been added since, and with ids as short as ours. */
function open(schema: unknown): Json {
  return JSON.parse(
    JSON.stringify(schema ?? {}, (key, value: unknown) => {
      if (key === 'additionalProperties') return undefined
      return key === 'pattern' && typeof value === 'string' ? value.replace('{8,}', '{2,}') : value
    }),
  )
}

const pointed = (schema: Json): Json => JSON.parse(JSON.stringify(schema).replaceAll('"#/definitions/', '"slack#/definitions/'))
