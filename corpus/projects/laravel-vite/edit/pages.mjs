// Stands for the templates: writes the pages with the names of public/build/manifest.json, and the site is the whole of public/.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
const manifest = JSON.parse(readFileSync('public/build/manifest.json', 'utf8'))
const url = (name) => `/build/${manifest[name].file}`
const page = (title, body) => `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>${title}</title><link rel="stylesheet" href="${url('resources/css/app.css')}"><script type="module" src="${url('resources/js/app.js')}"></script></head>
  <body><h1>${title}</h1>${body}<script src="/assets/vendor-a1b2c3d4.js"></script></body>
</html>
`
mkdirSync('public/about', { recursive: true })
writeFileSync('public/index.html', page('Home', `<p>The second edition.</p><img src="${url('resources/images/Hero.PNG')}" alt=""><img src="/logo-deadbeef.png" alt="">`))
writeFileSync('public/about/index.html', page('About', `<img src="${url('resources/images/card-small.png')}" srcset="${url('resources/images/card-small.png')} 1x, ${url('resources/images/card-large.png')} 2x" alt="">`))
