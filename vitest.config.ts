import { defineConfig } from 'vitest/config'

const conditions = ['@pendshare/source', 'node', 'import', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'testbed/**/test/**/*.test.ts'],
    // These run under node:test against a real driver, in a VM or under Wine.
    exclude: ['**/node_modules/**', '**/test/vm/**', '**/test/wine/**'],
    typecheck: { enabled: false },
    // Turns a hang into a failure, and is no judgement of speed: a busy machine may take its time.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
