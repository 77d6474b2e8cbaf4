/** What runs elsewhere and cannot be run here: workflows and forms that parse, and name only what there is. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { ROOT } from '../pages.ts'

const Step = z.object({
  run: z.string().optional(),
  uses: z.string().optional(),
  'working-directory': z.string().optional(),
})
const Workflow = z.object({
  name: z.string(),
  on: z.union([z.string(), z.array(z.string()), z.record(z.string(), z.unknown())]),
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(
    z.string(),
    z.object({
      'runs-on': z.string(),
      'timeout-minutes': z.number(),
      needs: z.union([z.string(), z.array(z.string())]).optional(),
      steps: z.array(Step).nonempty(),
    }),
  ),
})

// https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema
const Field = z.object({
  type: z.enum(['checkboxes', 'dropdown', 'input', 'markdown', 'textarea']),
  id: z.string().regex(/^[\w-]+$/),
  attributes: z.object({
    label: z.string(),
    description: z.string().optional(),
    render: z.string().optional(),
  }),
  validations: z.object({ required: z.boolean() }).optional(),
})
const Form = z.object({
  name: z.string(),
  description: z.string(),
  labels: z.array(z.string()),
  body: z.array(Field).nonempty(),
})

async function readYaml(path: string): Promise<unknown> {
  const document = parseDocument(await readFile(join(ROOT, path), 'utf8'))
  expect([...document.errors, ...document.warnings].map(({ message }) => message)).toEqual([])
  return document.toJS()
}

async function scriptsOf(directory: string): Promise<string[]> {
  const { scripts } = JSON.parse(await readFile(join(ROOT, directory, 'package.json'), 'utf8'))
  return Object.keys(scripts)
}

const workflows = (await readdir(join(ROOT, '.github/workflows'))).map((name) => `.github/workflows/${name}`)
const forms = (await readdir(join(ROOT, '.github/ISSUE_TEMPLATE')))
  .filter((name) => name !== 'config.yml')
  .map((name) => `.github/ISSUE_TEMPLATE/${name}`)

describe.for(workflows)('%s', (path) => {
  const read = async () => Workflow.parse(await readYaml(path))
  const stepsOf = ({ jobs }: z.infer<typeof Workflow>) => Object.values(jobs).flatMap(({ steps }) => steps)

  it('is a workflow whose jobs end, need jobs that there are, and may only read', async () => {
    const { jobs, permissions } = await read()
    for (const { needs = [] } of Object.values(jobs))
      for (const name of [needs].flat()) expect(jobs).toHaveProperty(name)
    expect(permissions).toEqual({ contents: 'read' })
  })

  it('runs npm scripts that there are', async () => {
    for (const { run = '', 'working-directory': directory = '.' } of stepsOf(await read())) {
      const scripts = await scriptsOf(directory)
      for (const [, name, test] of run.matchAll(/\bnpm (?:run ([\w:-]+)|(test)\b)/g))
        expect(scripts).toContain(name ?? test)
    }
  })

  it('runs files that there are', async () => {
    for (const { run = '' } of stepsOf(await read()))
      for (const [file] of run.matchAll(/(?<![\w"$%/\\.])(?:\.ci|drivers|packages|testbed)[\w./\\-]+/g))
        expect(existsSync(join(ROOT, file.replaceAll('\\', '/'))), file).toBe(true)
  })

  it('takes actions by a version', async () => {
    for (const { uses } of stepsOf(await read())) if (uses) expect(uses).toMatch(/^[\w-]+\/[\w-]+@v\d+$/)
  })

  it('publishes nothing', async () => {
    for (const { run = '' } of stepsOf(await read())) expect(run).not.toMatch(/\bpublish\b|\bgh release\b/)
  })
})

describe.for(forms)('%s', (path) => {
  it('is a form, each of whose fields has a name of its own', async () => {
    const { body } = Form.parse(await readYaml(path))
    const ids = body.map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)])
  })
})

it('an issue about a bug asks for what the doctor and the kernel say', async () => {
  const { body } = Form.parse(await readYaml('.github/ISSUE_TEMPLATE/bug.yml'))
  const asked = body.map(({ attributes }) => attributes.description).join('\n')
  expect(asked).toContain('`npx pendshare doctor --json`')
  expect(asked).toContain('dmesg')
})

it('the editor writes as the formatters do', async () => {
  const editor = await readFile(join(ROOT, '.editorconfig'), 'utf8')
  const sections = new Map(editor.split(/^(?=\[)/m).map((text) => [text.split('\n')[0] ?? '', text]))
  const setting = (section: string, key: string) =>
    new RegExp(`^${key} = (.*)$`, 'm').exec(sections.get(section) ?? '')?.[1]
  const { formatter } = JSON.parse(await readFile(join(ROOT, 'biome.json'), 'utf8'))
  expect(setting('[*]', 'indent_style')).toBe(formatter.indentStyle)
  expect(setting('[*]', 'indent_size')).toBe(String(formatter.indentWidth))
  expect(setting('[*]', 'max_line_length')).toBe(String(formatter.lineWidth))
  const clang = await readFile(join(ROOT, '.clang-format'), 'utf8')
  const c = '[*.{c,h,cc,S}]'
  expect(clang).toContain('UseTab: Always')
  expect(setting(c, 'indent_style')).toBe('tab')
  expect(clang).toContain(`TabWidth: ${setting(c, 'tab_width')}\n`)
  expect(clang).toContain(`ColumnLimit: ${setting(c, 'max_line_length')}\n`)
})
