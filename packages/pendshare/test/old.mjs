// Preloaded: Node says that it is an old one.
Object.defineProperty(process.versions, 'node', { value: '20.20.2' })
