export default {
  ssr: { noExternal: true },
  build: { ssr: 'open.mjs', outDir: 'out/vite' },
}
