#!/usr/bin/env node
// Says in a sentence what keeps the command from starting. Written for every Node.js that knows modules.
import { readFileSync } from 'node:fs'

const FAILED = 1

function oldest() {
  const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return engines.node.replace(/^\D+/, '')
}

function isOlder(version, than) {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number))
  const at = b.findIndex((number, index) => number !== (a[index] || 0))
  return at >= 0 && (a[at] || 0) < b[at]
}

function refuse(sentence) {
  console.error(`pendshare: ${sentence}`)
  process.exitCode = FAILED
}

function start() {
  const { node } = process.versions
  if (!isOlder(node, oldest())) return import('../dist/cli/main.js')
  refuse(
    `this is Node.js ${node}, and it needs ${oldest()} or newer; ` +
      'install one from https://nodejs.org, or with `nvm install --lts`',
  )
}

async function main() {
  try {
    await start()
  } catch (error) {
    if (error.code !== 'ERR_ACCESS_DENIED') throw error
    refuse('Node.js runs with --permission and may not read files; add --allow-fs-read=* and --allow-addons')
  }
}

main()
