import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'

/** What the vendor's OpenAPI description says of bodies and answers. Each complaint is a line; none means that it fits. */
export interface Description {
  request(verb: string, template: string, body: unknown): readonly string[]
  answer(verb: string, template: string, status: number, body: unknown): readonly string[]
  schema(name: string, value: unknown): readonly string[]
}

const WHERE = new URL('../../../../shared/specs/discord-openapi-v10.json', import.meta.url)
let told = false

/** Without the file beside the checkout everything fits, and that is said once. */
export function readDescription(): Description {
  if (existsSync(WHERE)) return described(fileURLToPath(WHERE))
  if (!told) console.warn("the fake Discord checks nothing against the vendor's description: ../shared/specs is not here")
  told = true
  return { request: () => [], answer: () => [], schema: () => [] }
}

type Tree = { readonly [key: string]: Tree | undefined }
const known = new Map<string, Description>()

/** One compiled description serves every fake of a process: compiling a message's schema costs more than starting a fake. */
function described(file: string): Description {
  const before = known.get(file)
  if (before) return before
  const root: Tree = JSON.parse(readFileSync(file, 'utf8'))
  const formats = { int32: true, int64: true, double: true, nonce: true, snowflake: true } as const
  const ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    logger: false,
    formats: {
      ...formats,
      'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/,
      uri: (text: string) => URL.canParse(text) || text.startsWith('attachment://'),
    },
  })
  ajv.addSchema({ $id: 'discord', components: root['components'] })
  const compiled = new Map<string, ReturnType<typeof ajv.compile>>()
  const check = (name: string, schema: object | undefined, value: unknown): readonly string[] => {
    if (!schema) return []
    let validate = compiled.get(name)
    if (!validate) {
      // References are absolute in the file; here the whole file is one schema called "discord".
      validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"discord#/components/')))
      compiled.set(name, validate)
    }
    if (validate(value)) return []
    return sharpest(validate.errors ?? []).map(error => `${error.instancePath || '/'} ${error.message ?? 'does not fit'}`)
  }
  const operation = (verb: string, template: string) => root['paths']?.[template]?.[verb.toLowerCase()]
  const made: Description = {
    request: (verb, template, body) =>
      check(
        `${verb} ${template}`,
        operation(verb, template)?.['requestBody']?.['content']?.['application/json']?.['schema'],
        body,
      ),
    answer: (verb, template, status, body) =>
      check(
        `${verb} ${template} ${status}`,
        operation(verb, template)?.['responses']?.[`${status}`]?.['content']?.['application/json']?.['schema'],
        body,
      ),
    schema: (name, value) =>
      check(name, root['components']?.['schemas']?.[name] && { $ref: `#/components/schemas/${name}` }, value),
  }
  known.set(file, made)
  return made
}

/** A value that fits none of many alternatives has a complaint for each: the ones that lie deepest say most. */
function sharpest<E extends { readonly instancePath: string; readonly keyword: string }>(errors: readonly E[]): readonly E[] {
  const telling = errors.filter(error => !['oneOf', 'anyOf', 'allOf', 'const', 'enum', 'type', 'if'].includes(error.keyword))
  const from = telling.length > 0 ? telling : errors
  const deepest = Math.max(...from.map(error => error.instancePath.split('/').length))
  return from.filter(error => error.instancePath.split('/').length === deepest).slice(0, 5)
}
