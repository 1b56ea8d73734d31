import { defineConfig } from '@rspress/core'
export default defineConfig({ root: 'docs', title: 'Rspress', globalStyles: new URL('./styles.css', import.meta.url).pathname })
