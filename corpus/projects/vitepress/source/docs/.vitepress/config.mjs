import { defineConfig } from 'vitepress'
export default defineConfig({
  title: 'VitePress',
  vite: { assetsInclude: ['**/*.PNG'] },
  themeConfig: {
    search: { provider: 'local' },
    nav: [{ text: 'Guide', link: '/guide/start' }],
    sidebar: [{ text: 'Guide', items: [{ text: 'Start', link: '/guide/start' }, { text: 'Gallery', link: '/gallery' }] }],
  },
})
