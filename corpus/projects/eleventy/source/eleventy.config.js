import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { eleventyImageTransformPlugin } from '@11ty/eleventy-img'

// The cache busting that many Eleventy sites write themselves: MD5 of the bytes, ten hex digits, before the extension.
function fingerprinted(source, folder) {
  const bytes = readFileSync(source)
  const name = source.split('/').pop().replace(/(\.[^.]+)$/, `.${createHash('md5').update(bytes).digest('hex').slice(0, 10)}$1`)
  mkdirSync(dirname(`_site/${folder}/${name}`), { recursive: true })
  writeFileSync(`_site/${folder}/${name}`, bytes)
  return `/${folder}/${name}`
}

export default function (config) {
  config.addPlugin(eleventyImageTransformPlugin, { formats: ['webp', 'auto'], widths: [20, 'auto'], urlPath: '/img/' , outputDir: '_site/img/' })
  config.addFilter('fingerprint', (source) => fingerprinted(`src/${source}`, 'bundle'))
  config.addPassthroughCopy({ public: '/' })
  config.addPassthroughCopy({ 'src/images/scribble.woff2': 'fonts/scribble.woff2' })
  config.addPassthroughCopy({ 'src/images/Hero.PNG': 'images/Hero.PNG' })
  return { dir: { input: 'src' } }
}
