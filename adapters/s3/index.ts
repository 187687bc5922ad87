import { z } from 'zod'
import { adapter } from '../../src/kit/device.ts'
import { faultIn, listingIn, partsIn, uploadsIn, versioningIn } from './answers.ts'
import * as buckets from './buckets.ts'
import { deleteObject, download, upload } from './objects.ts'
import * as reads from './reads.ts'
import { bucketAt } from './wire.ts'

/** How the site file describes a bucket, at AWS or at whatever speaks S3. */
export const Settings = z
  .strictObject({
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket: 3 to 63 lower-case letters, digits, dots, dashes'),
    region: z
      .string()
      .regex(/^[a-z0-9-]{2,40}$/, 'the name of a region')
      .default('us-east-1'),
    endpoint: z
      .string()
      .regex(/^https?:\/\/[A-Za-z0-9.:[\]-]{1,253}$/, 'http:// or https://, a host and perhaps a port')
      .optional(),
    pathStyle: z.boolean().optional(), // true where an endpoint is named
    accessKeyId: z.string().min(1).optional(), // without them: environment, profile, role of the machine, as the SDK finds them
    secretAccessKey: z.string().min(4).optional(),
    sessionToken: z.string().min(4).optional(),
    folder: z
      .string()
      .regex(/^\/[A-Za-z0-9_.:/-]{1,254}$/, 'the whole path of a folder')
      .optional(), // without it nothing is up- or downloaded
  })
  .refine(
    ({ accessKeyId, secretAccessKey }) => (accessKeyId === undefined) === (secretAccessKey === undefined),
    'accessKeyId and secretAccessKey belong together',
  )

export default adapter({
  name: 's3',
  summary: 'A bucket of S3: AWS, Swift, Ceph, MinIO. Objects, unfinished uploads, versions.',
  settings: Settings,
  connect: settings => bucketAt(settings),
  capabilities: { ...reads, upload, download, deleteObject, ...buckets },
  readings: {
    listing: { summary: 'ListObjectsV2', read: listingIn },
    uploads: { summary: 'ListMultipartUploads', read: uploadsIn },
    parts: { summary: 'ListParts', read: partsIn },
    versioning: { summary: 'GetBucketVersioning', read: versioningIn },
    error: { summary: 'an error document', read: faultIn },
  },
  cannot: [
    { what: 'replace an object', why: 'an upload never does: delete the object first, which asks for approval' },
    {
      what: 'tell a missing right from a missing object everywhere',
      why: 'AWS answers 403 for both to who may not list the bucket',
    },
    {
      what: 'delete old versions, or bring one back',
      why: 'it shows and makes markers only; what is under them is for the console of the S3',
    },
    { what: 'go on with an upload that broke off', why: 'it begins again: nobody can prove that the file is still the same' },
    {
      what: 'be sure that nobody puts an object there between look and upload',
      why: 'only where the S3 knows If-None-Match; Swift does not',
    },
  ],
})
