import { defineConfig } from '#q-app/wrappers'
export default defineConfig(() => ({
  css: ['app.css'],
  extras: ['material-icons'],
  build: { vueRouterMode: 'history', target: { browser: 'es2022', node: 'node20' } },
  framework: { plugins: [] },
}))
