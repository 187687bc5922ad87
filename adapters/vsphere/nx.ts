import { child, type Element } from './xml.ts'

/** Leaf 0x80000001 of CPUID, as a signed 32-bit number. Bit 20 of its edx is NX, called XD by Intel (AMD64 manual, volume 3, E.4.1). */
const EXTENDED_FEATURES = -2_147_483_647
const NX_BIT = 20

/**
 * Whether a CPU mask (`config.cpuFeatureMask`) hides NX from the guest: a 0 stands where bit 20 is. Windows Server 2012 R2 does not
 * start without it, and stops with 0x000000C4 (devices/vsphere-esxi.md E, seed 000).
 */
export const nxHidden = (masks: Element | undefined): boolean =>
  (masks?.children ?? []).some(mask => {
    const level = Number(child(mask, 'level')?.text)
    const edx = (child(mask, 'edx')?.text ?? '').replace(/[:\s]/g, '')
    return (level | 0) === EXTENDED_FEATURES && edx.length === 32 && edx[31 - NX_BIT] === '0'
  })
