const [SIZE, HEIGHT] = [13, 19]
const COLOURS: Readonly<Record<string, string>> = { 31: '#f2777a', 32: '#99cc99', 33: '#ffcc66', 36: '#66cccc', 90: '#8a9199' }

/** Lines of a terminal, with its colours, as an SVG picture. */
export const terminalSvg = (
  lines: readonly string[],
): string => `<svg xmlns="http://www.w3.org/2000/svg" width="980" height="${lines.length * HEIGHT + 24}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="${SIZE}">
<rect width="100%" height="100%" rx="8" fill="#16191d"/>
${lines.map((line, n) => `<text x="14" y="${n * HEIGHT + 26}" xml:space="preserve" fill="#d5d8dc">${spans(line)}</text>`).join('\n')}
</svg>
`

/** ANSI colours as spans. */
function spans(line: string): string {
  let colour = ''
  let bold = false
  return line
    .split('\u001b[')
    .map((part, n) => {
      const [, code = '', text = ''] = n === 0 ? ['', '', part] : (/^(\d+)m(.*)$/s.exec(part) ?? [])
      if (code === '1') bold = true
      else if (code === '22') bold = false
      else if (code === '39') colour = ''
      else if (COLOURS[code]) colour = COLOURS[code]
      const safe = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
      if (safe === '') return ''
      return `<tspan${colour ? ` fill="${colour}"` : ''}${bold ? ' font-weight="bold"' : ''}>${safe}</tspan>`
    })
    .join('')
}
