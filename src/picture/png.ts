import { createRequire } from 'node:module'
import { Resvg } from '@resvg/resvg-js'
import type { Chart } from '../domain/chart.ts'
import { FONT, svgOf, WIDTH } from './svg.ts'

/** Found beside our own code, from src and from dist. A renderer without fonts leaves the text out and says nothing. */
const found = createRequire(import.meta.url)
const FONTS = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map(name => found.resolve(`dejavu-fonts-ttf/ttf/${name}`))

/** A chart as a PNG of 1600 x 720: twice the size of the drawing, for screens of today. */
export const pngOf = (chart: Chart): Uint8Array => pngOfSvg(svgOf(chart), FONTS)

/** An SVG with the letters of these files, and of no others: what the machine has installed changes no picture. */
export function pngOfSvg(svg: string, fontFiles: readonly string[]): Uint8Array {
  const resvg = new Resvg(svg, {
    fitTo: { mode: 'width', value: 2 * WIDTH },
    font: { loadSystemFonts: false, fontFiles: [...fontFiles], defaultFontFamily: FONT },
    logLevel: 'error',
  })
  return new Uint8Array(resvg.render().asPng())
}
