/** The Windows package, as far as it can be looked at without Windows: the script parses, and INF, project and sources fit together. */
import { glob, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { Language, type Node, Parser } from 'web-tree-sitter'
import { ROOT } from '../pages.ts'

const HOME = join(ROOT, 'drivers/windows')
const read = (file: string) => readFile(join(HOME, file), 'utf8')

describe('sign.ps1', () => {
  const parser = { parse: (_: string): Node => expect.fail('not loaded') }
  let script: Node

  beforeAll(async () => {
    await Parser.init()
    const grammar = createRequire(import.meta.url).resolve('tree-sitter-powershell/package.json')
    const language = await Language.load(grammar.replace('package.json', 'tree-sitter-powershell.wasm'))
    const powershell = new Parser().setLanguage(language)
    parser.parse = (text) => powershell.parse(text)?.rootNode ?? expect.fail('the parser gave up')
    script = parser.parse(await read('sign.ps1'))
  })

  /** Of a type, in the order of the text. */
  const nodes = (type: string) => script.descendantsOfType(type).flatMap((node) => node?.text ?? [])

  it('is PowerShell', () => {
    const wrong = script.descendantsOfType('ERROR').map((node) => `${node?.startPosition.row}: ${node?.text}`)
    expect(wrong).toEqual([])
    expect(script.hasError).toBe(false)
  })

  it('would be noticed if it were not', () => {
    expect(parser.parse('if ($Remove { Remove-Package }').hasError).toBe(true)
    expect(parser.parse("throw 'never closed").hasError).toBe(true)
  })

  it('documents each of its parameters', async () => {
    const parameters = script.descendantsOfType('param_block')[0]?.descendantsOfType('script_parameter') ?? []
    const names = parameters.flatMap((node) => /\$(\w+)(?: = .*)?$/s.exec(node?.text ?? '')?.[1] ?? [])
    expect(names).toEqual(['Platform', 'Package', 'SignOnly', 'InstallOnly', 'Remove'])
    const text = await read('sign.ps1')
    for (const name of names) expect(text).toContain(`\n.PARAMETER ${name}\n`)
  })

  it('defines what it calls of its own, and calls what it defines', () => {
    const defined = nodes('function_name').sort()
    const called = new Set(nodes('command_name'))
    expect(defined.filter((name) => !called.has(name))).toEqual([])
    // Cmdlets of Windows PowerShell 5.1 and its modules, and programs.
    const CMDLETS = [
      'Export-Certificate Get-ChildItem Get-Command Get-Content Get-Date Get-ItemProperty Get-WindowsDriver',
      'Import-Certificate Join-Path New-SelfSignedCertificate Out-Host Remove-Item Resolve-Path Select-String',
      'Set-StrictMode Sort-Object Split-Path Test-Path Where-Object Write-Host Write-Verbose Write-Warning',
    ].flatMap((line) => line.split(' '))
    const unknown = [...called].filter(
      (name) => /^\w+-\w+$/.test(name) && !defined.includes(name) && !CMDLETS.includes(name),
    )
    expect(unknown).toEqual([])
  })

  it('changes nothing of the system without being asked', () => {
    const changes =
      /\b(Import-Certificate|Remove-Item|New-SelfSignedCertificate)\b|'(\/add-driver|\/delete-driver|start|stop)'/
    const silent = script
      .descendantsOfType('function_statement')
      .filter((node) => changes.test(node?.text ?? '') && !node?.text.includes('$PSCmdlet.ShouldProcess('))
      .map((node) => /^function (\S+)/.exec(node?.text ?? '')?.[1])
    // Called where it has been asked already.
    expect(silent).toEqual(['Get-TestCertificate'])
  })
})

/** Sections by their names in lower case; an entry is `key = value`, or a value alone. Comments begin with a semicolon. */
function parseInf(text: string): Map<string, readonly (readonly [key: string, value: string])[]> {
  const sections = new Map<string, (readonly [string, string])[]>()
  let entries: (readonly [string, string])[] = []
  for (const line of text.split(/\r?\n/).map((line) => line.replace(/(^|\s);.*$/, '').trim())) {
    const name = /^\[(.+)\]$/.exec(line)?.[1]?.toLowerCase()
    if (name !== undefined) {
      entries = sections.get(name) ?? []
      sections.set(name, entries)
    } else if (line !== '') {
      const [, key = line, value = ''] = /^([^=]*?)\s*=\s*(.*)$/.exec(line) ?? []
      entries.push([key, value])
    }
  }
  return sections
}

describe('pendshare.inf', async () => {
  const text = await read('pendshare.inf')
  const project = await read('pendshare.vcxproj')
  const inf = parseInf(text)
  const section = (name: string) => inf.get(name.toLowerCase()) ?? expect.fail(`there is no [${name}]`)
  const value = (name: string, key: string) =>
    section(name).find(([known]) => known.toLowerCase() === key.toLowerCase())?.[1]
  const element = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(project)?.[1]
  const installs = [...inf.keys()].filter((name) => /^defaultinstall\.\w+$/.test(name))

  // https://learn.microsoft.com/windows-hardware/drivers/install/inf-version-section
  it('has a complete [Version]', () => {
    for (const key of ['Signature', 'Class', 'ClassGuid', 'Provider', 'CatalogFile', 'PnpLockdown'])
      expect(value('Version', key), key).toMatch(/./)
    expect(value('Version', 'CatalogFile')).toBe('pendshare.cat')
  })

  it('leaves the version to the build, or has the one that the project says', () => {
    const [date = '', version = element('TimeStamp')] = (value('Version', 'DriverVer') ?? 'none').split(',')
    expect(date).toMatch(/^(\d\d\/\d\d\/\d{4})?$/)
    expect(version?.trim()).toBe(element('TimeStamp'))
  })

  // https://learn.microsoft.com/windows-hardware/drivers/develop/creating-a-primitive-driver
  it('is that of a primitive driver, for each platform of the project', () => {
    expect(inf.has('manufacturer')).toBe(false)
    expect(inf.has('defaultinstall')).toBe(false)
    expect([...inf.keys()].filter((name) => name.startsWith('defaultuninstall'))).toEqual([])
    const platforms = new Set([...project.matchAll(/<Platform>(\w+)<\/Platform>/g)].map(([, name]) => name))
    const architectures = [...platforms].map((name) => (name === 'x64' ? 'amd64' : name?.toLowerCase()))
    expect(installs.sort()).toEqual(architectures.map((name) => `defaultinstall.nt${name}`).sort())
    expect(value('DestinationDirs', 'DefaultDestDir')).toBe('13')
  })

  it.for(installs)('has all that [%s] refers to', (install) => {
    const files = section(value(install, 'CopyFiles') ?? '').map(([file]) => file)
    expect(files).toEqual(['pendshare.sys'])
    for (const file of files) {
      const disk = value('SourceDisksFiles', file)
      expect(value('SourceDisksNames', disk ?? 'none')).toBeDefined()
    }
    const [name, flags, service = ''] = (value(`${install}.Services`, 'AddService') ?? '').split(/\s*,\s*/)
    expect([name, flags]).toEqual(['pendshare', ''])
    expect(value(service, 'ServiceType')).toBe('1')
    expect(value(service, 'StartType')).toBe('3')
    expect(value(service, 'ErrorControl')).toBe('1')
    expect(value(service, 'ServiceBinary')).toBe('%13%\\pendshare.sys')
    const [driver, wdf = ''] = (value(`${install}.Wdf`, 'KmdfService') ?? '').split(/\s*,\s*/)
    expect(driver).toBe('pendshare')
    expect(value(wdf, 'KmdfLibraryVersion')).toBe(
      `${element('KMDF_VERSION_MAJOR')}.${element('KMDF_VERSION_MINOR')}`,
    )
  })

  it('has the strings that it uses, and uses those that it has', () => {
    const body = text.replace(/^\s*;.*$/gm, '').split('[Strings]')[0] ?? ''
    const used = new Set(
      [...body.matchAll(/%(\w+)%/g)].map(([, name]) => name).filter((name) => name !== '13'),
    )
    expect([...used].sort()).toEqual(
      section('Strings')
        .map(([name]) => name)
        .sort(),
    )
  })

  it('is compiled from every source of the driver, with headers that are there', async () => {
    const included = (tag: string) =>
      [...project.matchAll(new RegExp(`<${tag} Include="([^"]*)"`, 'g'))].map(([, path = '']) =>
        path.replaceAll('\\', '/'),
      )
    const sources: string[] = []
    for await (const path of glob('*.c', { cwd: HOME })) sources.push(path)
    for await (const path of glob('*.c', { cwd: join(HOME, '../common/peers') }))
      sources.push(`../common/peers/${path}`)
    expect(included('ClCompile').sort()).toEqual(sources.sort())
    for (const path of included('ClInclude')) expect(await read(path), basename(path)).toMatch(/#ifndef/)
  })
})
