import { connect } from 'node:net'
import { createInterface } from 'node:readline'

/** The lab's own monitor of its storage daemon: it wants to know which image is live, and nothing else. */
export interface Monitoring {
  /** The file behind the export, as things are. */
  live(): Promise<string | undefined>
  close(): void
}

export type Message = Readonly<Record<string, unknown>>
const ANSWERS = 5_000 // ms

/** Connects, and hands on every event. */
export async function monitoring(path: string, heard: (event: Message) => void): Promise<Monitoring> {
  const socket = connect({ path })
  const waiting = new Map<unknown, (message: Message) => void>()
  let failed: (error: Error) => void = () => {}
  const broken = new Promise<never>((_, reject) => {
    failed = reject
  })
  broken.catch(() => {})
  socket.on('error', error => failed(error)).on('close', () => failed(new Error('the monitor closed the connection')))
  createInterface({ input: socket })
    .on('line', line => {
      const message = JSON.parse(line) as Message
      if ('event' in message) heard(message)
      else waiting.get('QMP' in message ? 'greeting' : message['id'])?.(message)
    })
    .on('error', () => {})
  const answer = (id: unknown): Promise<Message> => {
    const late = new Promise<never>((_, reject) =>
      setTimeout(() => reject(new Error('the monitor does not answer')), ANSWERS).unref(),
    )
    return Promise.race([new Promise<Message>(resolve => waiting.set(id, resolve)), broken, late])
  }
  let last = 0
  const ask = async (execute: string): Promise<unknown> => {
    const id = ++last
    const answered = answer(id)
    socket.write(
      `${JSON.stringify({ execute, id, ...(execute.startsWith('query-named') ? { arguments: { flat: true } } : {}) })}\n`,
    )
    return (await answered)['return']
  }
  async function live(): Promise<string | undefined> {
    const [one] = (await ask('query-block-exports')) as readonly { readonly 'node-name': string }[]
    const nodes = (await ask('query-named-block-nodes')) as readonly { readonly 'node-name': string; readonly file: string }[]
    return nodes.find(node => node['node-name'] === one?.['node-name'])?.file
  }
  try {
    await answer('greeting')
    await ask('qmp_capabilities')
  } catch (error) {
    socket.destroy()
    throw error
  }
  return { live, close: () => void socket.destroy() }
}

/** Which file is live behind a monitor. */
export async function liveFile(path: string): Promise<string | undefined> {
  const monitor = await monitoring(path, () => {})
  try {
    return await monitor.live()
  } finally {
    monitor.close()
  }
}
