import { defineConfig } from '@rsbuild/core'
import { pluginReact } from '@rsbuild/plugin-react'
export default defineConfig({
  plugins: [pluginReact()],
  html: { template: './src/index.html' },
  output: { assetPrefix: 'https://cdn.example.com/', manifest: true },
})
