import { setTimeout as wait } from 'node:timers/promises'
import type { Bytes, Millis } from '../domain/ids.ts'
import { EBS_BLOCK } from './ebs-blocks.ts'
import { ebsTrouble, isMissing, isThrottled, kindOf, mayPass } from './ebs-trouble.ts'
import { SyncStopped } from './stopped.ts'

export interface EbsPlace {
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
}

export interface Starting {
  readonly token: string // one snapshot for one token
  readonly gib: number
  readonly parent: string | undefined
  readonly description: string
}

/** What to-ebs asks of EBS. Everything here may be asked twice, and is, when no answer comes; what stays wrong is a SyncStopped. */
export interface Ebs {
  /** Undefined when the parent is not there any more, or not of use. */
  start(wanted: Starting): Promise<string | undefined>
  /** False when the snapshot cannot be written to any more. */
  put(snapshot: string, index: number, bytes: Uint8Array, sha256: string, counting: (bytes: Bytes) => void): Promise<boolean>
  complete(snapshot: string, blocks: number, aggregate: string): Promise<void>
  /** pending, completed, error ...; undefined when it is not there. */
  state(snapshot: string): Promise<string | undefined>
  close(): void
}

const TRIES = 10
const FIRST: Millis = 200
const LONGEST: Millis = 20_000
/** For some time after a snapshot was begun, a block for it may be answered with "not found": two minutes were seen (coldsnap). */
const YOUNG = 9

/** Credentials come from the standard chain of the SDK. The SDKs are large: only who needs them waits for them. */
export async function openEbs({ endpoint, region }: EbsPlace, pausing: () => Promise<void>): Promise<Ebs> {
  const [
    { EBSClient, StartSnapshotCommand, PutSnapshotBlockCommand, CompleteSnapshotCommand },
    { EC2Client, DescribeSnapshotsCommand },
  ] = await Promise.all([import('@aws-sdk/client-ebs'), import('@aws-sdk/client-ec2')])
  const settings = {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    maxAttempts: 1, // trying again is done here, for all lanes at once
    requestHandler: { connectionTimeout: 10_000, requestTimeout: 120_000 },
  }
  const ebs = new EBSClient(settings)
  const ec2 = new EC2Client(settings)
  let calm = 0 // nobody sends before this moment: one that is told to slow down slows down all

  const patiently = async <T>(
    ask: () => Promise<T>,
    alsoPasses: (error: unknown, tries: number) => boolean = () => false,
  ): Promise<T> => {
    for (let tries = 1; ; tries++) {
      if (performance.now() < calm) await wait(calm - performance.now())
      await pausing()
      try {
        return await ask()
      } catch (error) {
        if (tries === TRIES || !(mayPass(error) || alsoPasses(error, tries))) throw ebsTrouble(error)
        const time = Math.min(LONGEST, FIRST * 2 ** (tries - 1))
        if (isThrottled(error)) calm = performance.now() + time
        else await wait(time)
      }
    }
  }
  const seen = new Set<string>() // snapshots that are there: of these, "not found" means gone
  const young = (snapshot: string) => (error: unknown, tries: number) => isMissing(error) && !seen.has(snapshot) && tries < YOUNG

  return {
    start: async ({ token, gib, parent, description }) => {
      try {
        const { SnapshotId, BlockSize } = await patiently(() =>
          ebs.send(
            new StartSnapshotCommand({
              ClientToken: token,
              VolumeSize: gib,
              Description: description,
              Timeout: 4_320, // minutes without a block until EBS gives it up: the most there is, three days
              ...(parent === undefined ? {} : { ParentSnapshotId: parent }),
            }),
          ),
        )
        if (SnapshotId === undefined || BlockSize !== EBS_BLOCK)
          throw new SyncStopped(
            'target',
            `EBS began a snapshot with blocks of ${saidSize(BlockSize)}, and ${EBS_BLOCK} bytes are known here.`,
          )
        return SnapshotId
      } catch (error) {
        const kind = kindOf((error as Error).cause)
        if (parent !== undefined && ['ResourceNotFoundException', 'ValidationException'].includes(kind)) return undefined
        throw error
      }
    },
    put: async (snapshot, index, bytes, sha256, counting) => {
      const Checksum = Buffer.from(sha256, 'hex').toString('base64')
      try {
        await patiently(async () => {
          counting(bytes.length)
          const answer = await ebs.send(
            new PutSnapshotBlockCommand({
              SnapshotId: snapshot,
              BlockIndex: index,
              BlockData: bytes,
              DataLength: bytes.length,
              Checksum,
              ChecksumAlgorithm: 'SHA256',
            }),
          )
          if (answer.Checksum !== undefined && answer.Checksum !== Checksum)
            throw new SyncStopped(
              'target',
              `EBS has other bytes in block ${index} than were sent. Start again: it goes on from here.`,
            )
        }, young(snapshot))
        seen.add(snapshot)
        return true
      } catch (error) {
        const cause = (error as Error).cause
        const { Reason = '' } = Object(cause) as { readonly Reason?: string }
        if (isMissing(cause) || Reason === 'INVALID_SNAPSHOT_ID') return false
        throw error
      }
    },
    complete: async (snapshot, blocks, aggregate) => {
      await patiently(() =>
        ebs.send(
          new CompleteSnapshotCommand({
            SnapshotId: snapshot,
            ChangedBlocksCount: blocks,
            ...(blocks === 0
              ? {}
              : { Checksum: aggregate, ChecksumAlgorithm: 'SHA256' as const, ChecksumAggregationMethod: 'LINEAR' as const }),
          }),
        ),
      )
    },
    state: async snapshot => {
      try {
        const found = await patiently(() => ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshot] })))
        const state = found.Snapshots?.find(one => one.SnapshotId === snapshot)?.State
        if (state !== undefined) seen.add(snapshot)
        return state
      } catch (error) {
        if (isMissing((error as Error).cause)) return undefined
        throw error
      }
    },
    close: () => {
      ebs.destroy()
      ec2.destroy()
    },
  }
}

const saidSize = (size: number | undefined): string => (size === undefined ? 'an unknown size' : `${size} bytes`)
