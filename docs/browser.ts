import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** A headless Chromium that takes pictures of pages. It is spoken with over a pipe, in its DevTools protocol. */
export interface Browser {
  /** The whole page, however long it is, as a PNG. */
  photograph(page: string, width: number, scale: number): Promise<Buffer>
  close(): Promise<void>
}

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly error?: { readonly message: string }
  readonly result?: Readonly<Record<string, unknown>>
}

const PATIENCE = 30_000
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--hide-scrollbars']
const QUIET = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--disable-lcd-text',
]

export function openBrowser(chromium: string): Browser {
  const profile = mkdtempSync(join(tmpdir(), 'signalbox-chromium-'))
  const child = spawn(chromium, [...FLAGS, ...QUIET, `--user-data-dir=${profile}`, '--remote-debugging-pipe', 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const over = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`Chromium ended with ${code}`)))
  })
  over.catch(() => {}) // said to whoever waits for an answer
  const [to, from] = [child.stdio[3] as Writable, child.stdio[4] as Readable]
  const listeners = new Set<(answer: Answer) => void>()
  let rest = ''
  from.setEncoding('utf8').on('data', (chunk: string) => {
    const whole = (rest + chunk).split('\0')
    rest = whole.pop() ?? ''
    for (const one of whole) for (const listen of [...listeners]) listen(JSON.parse(one) as Answer)
  })

  const heard = (wanted: (answer: Answer) => boolean, what: string): Promise<Answer> => {
    const found = new Promise<Answer>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`Chromium did not say ${what} in time`)), PATIENCE)
      const listen = (answer: Answer): void => {
        if (!wanted(answer)) return
        clearTimeout(late)
        listeners.delete(listen)
        resolve(answer)
      }
      listeners.add(listen)
    })
    return Promise.race([found, over])
  }
  let last = 0
  async function ask(method: string, params: object, sessionId?: string): Promise<Readonly<Record<string, unknown>>> {
    const id = ++last
    const answered = heard(answer => answer.id === id, method)
    to.write(`${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`)
    const { error, result = {} } = await answered
    if (error) throw new Error(`Chromium refused ${method}: ${error.message}`)
    return result
  }

  return {
    async photograph(url, width, scale) {
      const { targetId } = await ask('Target.createTarget', { url: 'about:blank' })
      const { sessionId } = await ask('Target.attachToTarget', { targetId, flatten: true })
      const page = String(sessionId)
      await ask('Page.enable', {}, page)
      await ask('Emulation.setDeviceMetricsOverride', { width, height: 100, deviceScaleFactor: scale, mobile: false }, page)
      const loaded = heard(({ method }) => method === 'Page.loadEventFired', 'that the page is there')
      await ask('Page.navigate', { url }, page)
      await loaded
      const { cssContentSize } = await ask('Page.getLayoutMetrics', {}, page)
      const { height } = cssContentSize as { readonly height: number }
      const clip = { x: 0, y: 0, width, height, scale: 1 }
      const { data } = await ask('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true, clip }, page)
      await ask('Target.closeTarget', { targetId })
      return Buffer.from(String(data), 'base64')
    },
    async close() {
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill()
      await ended
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
