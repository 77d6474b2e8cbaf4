/** The facts of a header, and which change of them breaks an ABI. */
import { describe, expect, it } from 'vitest'
import { broken, factsOf } from '../layout.ts'

const HEADER = `
#ifndef PENDSHARE_ABI_H
#define PENDSHARE_ABI_H
#define PENDSHARE_ABI_VERSION 1u
#define COUNT 3u /* of them */
typedef unsigned int __u32;
enum kind {
	ONE = 1, /* first */
};
struct event {
	PENDSHARE_U64 id;
	__u32 kind;
};
struct request {
	__u32 size;
	__u8 bytes[COUNT];
	struct event last;
	char name[5];
};
#endif
`

describe('facts', () => {
  it('are what two programs have to agree on', () => {
    expect(factsOf(HEADER)).toEqual([
      'define COUNT 3u',
      'enum kind ONE = 1',
      'struct event id: PENDSHARE_U64 @0, kind: __u32 @8',
      'struct request size: __u32 @0, bytes: __u8[3] @4, last: event @8, name: char[5] @24',
    ])
  })

  it('are the same for another layout of the text', () => {
    const other = HEADER.replace('PENDSHARE_U64 id;', 'PENDSHARE_U64    id; /* a\n word */').replace(
      '#define COUNT 3u',
      '#define COUNT \\\n\t3u',
    )
    expect(factsOf(other)).toEqual(factsOf(HEADER))
  })

  it.each([
    ['ONE = 1,', 'ONE,', "enum kind: 'ONE' does not say its number"],
    ['__u32 kind;', 'long kind;', "struct event: cannot lay out 'long kind'"],
    ['[COUNT]', '[UNKNOWN]', "struct request: cannot lay out '__u8 bytes[UNKNOWN]'"],
    ['struct request {', 'union request {', 'no definition, enumeration or structure: union request'],
  ])('cannot be told with %j as %j', (from, to, says) => {
    expect(() => factsOf(HEADER.replace(from, to))).toThrow(says)
  })
})

describe('an ABI', () => {
  const brokenBy = (from: string, to: string) =>
    broken(factsOf(HEADER), factsOf(HEADER.replace(from, to))).map((fact) => fact.split(' ')[1])

  it("takes a field at the end of a peer's options, and none before it", () => {
    const before = factsOf('struct clock_options { __u32 period; };')
    expect(broken(before, factsOf('struct clock_options { __u32 period; __u32 runs; };'))).toEqual([])
    expect(broken(before, factsOf('struct clock_options { __u32 runs; __u32 period; };'))).toEqual(before)
  })

  it.each([
    ['a definition', '#define COUNT', '#define MORE 1u\n#define COUNT'],
    ['a number of an enumeration', 'ONE = 1,', 'ONE = 1, TWO = 2,'],
    ['a field at the end of a structure that says its size', 'name[5];', 'name[5]; __u32 more;'],
  ])('takes %s more', (_, from, to) => {
    expect(brokenBy(from, to)).toEqual([])
  })

  it.each([
    ['a definition that changes', '3u', '4u', ['COUNT', 'request']],
    ['a number that goes', 'ONE = 1,', '', ['kind']],
    ['a field that changes its type', '__u32 kind', 'PENDSHARE_U64 kind', ['event']],
    ['a longer array at the end', 'name[5]', 'name[6]', ['request']],
    [
      'a structure that grows within others',
      '__u32 kind;',
      '__u32 kind; PENDSHARE_U64 more;',
      ['event', 'request'],
    ],
  ])('breaks by %s', (_, from, to, names) => {
    expect(brokenBy(from, to)).toEqual(names)
  })
})
