import { defineConfig } from 'vitest/config'

const conditions = ['@pendshare/source', 'node', 'import', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'testbed/**/test/**/*.test.ts'],
    // These run under node:test in a VM, against the real driver.
    exclude: ['**/node_modules/**', '**/test/vm/**'],
    typecheck: { enabled: false },
  },
})
