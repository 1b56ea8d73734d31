import { viteBundler } from '@vuepress/bundler-vite'
import { defaultTheme } from '@vuepress/theme-default'
import { defineUserConfig } from 'vuepress'
export default defineUserConfig({
  bundler: viteBundler(),
  theme: defaultTheme({ navbar: ['/', '/guide/start.md'] }),
  title: 'VuePress',
})
