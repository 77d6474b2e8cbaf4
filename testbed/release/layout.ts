/**
 * The layout of abi.h as facts, one a line: each definition, each number of an enumeration, and each structure with the offsets of
 * its fields. Two programs that have the same facts understand one another. Within one ABI nothing may change or go; what may come is
 * a definition, a number, or a field at the end of a structure that says its own size or has it said, as the header's rules have it.
 */

/** Sizes in bytes, which are the alignments too. */
const TYPES: Readonly<Record<string, number>> = { PENDSHARE_U64: 8, __u32: 4, __u8: 1, char: 1 }

/** Versions, the guard, the types above, and limits: of those INFO tells. */
const NO_LAYOUT = /^PENDSHARE_(ABI_H|ABI_VERSION|DRIVER_VERSION|U64|SHARES_PER_USER|MIN_PERIOD_NS)\b/

interface Layout {
  readonly size: number
  readonly align: number
}

/** Throws at what it does not understand: a fact that is not seen could not be kept. */
export function factsOf(header: string): string[] {
  const code = header.replace(/\/\*.*?\*\//gs, ' ').replace(/\\\n/g, ' ')
  const facts: string[] = []
  const rest = code.replace(/^[ \t]*#[ \t]*(\w+)(.*)$/gm, (_, directive: string, text: string) => {
    const body = text.trim().replace(/\s+/g, ' ')
    if (directive === 'define' && !NO_LAYOUT.test(body)) facts.push(`define ${body}`)
    return ''
  })
  const numbers = numbersOf(facts)
  const known = new Map<string, Layout>(
    Object.entries(TYPES).map(([name, size]) => [name, { size, align: size }]),
  )
  const left = rest
    .replace(/\btypedef [\w ]+;/g, '')
    .replace(/\b(enum|struct) (\w+) \{([^{}]*)\};/g, (_, kind: string, name: string, body: string) => {
      facts.push(...(kind === 'enum' ? enumFacts(name, body) : [structFact(name, body, known, numbers)]))
      return ''
    })
    .trim()
  if (left !== '') throw new Error(`abi.h has what is no definition, enumeration or structure: ${left}`)
  return facts
}

function enumFacts(name: string, body: string): string[] {
  const members = body.split(',').map((text) => text.trim())
  return members
    .filter((text) => text !== '')
    .map((text) => {
      const [, member, number] = /^(\w+) = (\d+)$/.exec(text) ?? []
      if (member === undefined) throw new Error(`enum ${name}: '${text}' does not say its number`)
      return `enum ${name} ${member} = ${number}`
    })
}

/** The fact of a structure that has grown begins with the fact of the one that it was. */
function structFact(
  name: string,
  body: string,
  known: Map<string, Layout>,
  numbers: ReadonlyMap<string, number>,
): string {
  let end = 0
  let align = 1
  const fields: string[] = []
  for (const text of body.split(';').map((line) => line.trim().replace(/\s+/g, ' '))) {
    if (text === '') continue
    const [, type = '', field = '', count = '1'] = /^(?:struct )?(\w+) (\w+)(?:\[(\w+)\])?$/.exec(text) ?? []
    const layout = known.get(type)
    const length = numbers.get(count) ?? Number(count)
    if (!layout || !(length > 0)) throw new Error(`struct ${name}: cannot lay out '${text}'`)
    const offset = Math.ceil(end / layout.align) * layout.align
    fields.push(`${field}: ${type}${count === '1' ? '' : `[${length}]`} @${offset}`)
    end = offset + layout.size * length
    align = Math.max(align, layout.align)
  }
  known.set(name, { size: Math.ceil(end / align) * align, align })
  return `struct ${name} ${fields.join(', ')}`
}

function numbersOf(facts: readonly string[]): Map<string, number> {
  return new Map(
    facts.flatMap((fact) => {
      const [, name, number] = /^define (\w+) (\d+)u$/.exec(fact) ?? []
      return name === undefined ? [] : [[name, Number(number)] as const]
    }),
  )
}

/** A request, or a peer's options, which SHARE gives the size of; others lie in arrays and in one another, and cannot grow. */
const MAY_GROW = /^struct (\w+ size: __u32 @0|\w+_options )/

/** The facts of `before` that do not hold any more. */
export function broken(before: readonly string[], now: readonly string[]): string[] {
  const grown = (fact: string, other: string) => MAY_GROW.test(fact) && other.startsWith(`${fact}, `)
  return before.filter((fact) => !now.some((other) => other === fact || grown(fact, other)))
}
