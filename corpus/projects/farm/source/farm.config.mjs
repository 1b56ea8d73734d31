import { defineConfig } from '@farmfe/core'
export default defineConfig({ plugins: ['@farmfe/plugin-react'], compilation: { persistentCache: false } })
