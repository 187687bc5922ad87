import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto'

/** A certificate that nobody signed but itself, as most vCenters have one, made anew at each start. */
export interface Certificate {
  readonly key: string
  readonly cert: string
  readonly thumbprint: string // SHA-256
}

const tlv = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const length = content.length
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
const sequence = (...parts: readonly Uint8Array[]): Buffer => tlv(0x30, ...parts)
const COMMON_NAME = Buffer.from('0603550403', 'hex') // 2.5.4.3
const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex') // 1.2.840.10045.4.3.2

export function certificate(): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(ECDSA_WITH_SHA256)
  const name = sequence(tlv(0x31, sequence(COMMON_NAME, tlv(0x0c, Buffer.from('vc01.simulated')))))
  const until = ['250101000000Z', '491231235959Z'].map(time => tlv(0x17, Buffer.from(time)))
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))), // version 3
    tlv(0x02, Buffer.from([1])),
    algorithm,
    name,
    sequence(...until),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = tlv(0x03, Buffer.from([0]), sign('sha256', body, privateKey))
  const der = sequence(body, algorithm, signature)
  const cert = `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert,
    thumbprint: new X509Certificate(cert).fingerprint256,
  }
}
