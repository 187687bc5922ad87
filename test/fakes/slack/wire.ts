import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Json } from './world.ts'

export const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
export const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isJson) : [])
export const isTrue = (value: unknown): boolean => value === true || value === 'true' || value === '1' || value === 1

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** What a call to a method says, wherever it says it. A form carries its structures as JSON inside, and they come out of it here. */
export async function argumentsOf(request: IncomingMessage, url: URL): Promise<Json> {
  const type = request.headers['content-type'] ?? ''
  const body = await bodyOf(request)
  const query = opened(Object.fromEntries(url.searchParams))
  if (type.startsWith('application/json')) {
    const said: unknown = body.length === 0 ? {} : JSON.parse(body.toString('utf8'))
    return isJson(said) ? { ...query, ...said } : query
  }
  if (type.startsWith('multipart/form-data')) return { ...query, ...opened(await multipart(body, type)) }
  return { ...query, ...opened(Object.fromEntries(new URLSearchParams(body.toString('utf8')))) }
}

const STRUCTURES: ReadonlySet<string> = new Set(['blocks', 'attachments', 'metadata', 'view', 'files'])

/** A structure that is no JSON stays the text that it is: the method refuses it as Slack does. */
function opened(form: Readonly<Record<string, unknown>>): Json {
  return Object.fromEntries(
    Object.entries(form).map(([name, value]) => [
      name,
      STRUCTURES.has(name) && typeof value === 'string' ? parsed(value) : value,
    ]),
  )
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The fields and the files of a multipart form, taken apart by the parser that undici brings along. */
export async function multipart(body: Buffer, type: string): Promise<Readonly<Record<string, unknown>>> {
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData()
  const fields: Record<string, unknown> = {}
  for (const [name, value] of form)
    fields[name] = typeof value === 'string' ? value : { type: value.type, bytes: Buffer.from(await value.arrayBuffer()) }
  return fields
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
) {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
  response.end(JSON.stringify(body))
}
