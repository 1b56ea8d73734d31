export default {
  target: 'static',
  telemetry: false,
  css: ['~/assets/main.css'],
  head: { title: 'Nuxt 2', link: [{ rel: 'icon', href: '/favicon.ico' }], script: [{ src: '/assets/vendor-a1b2c3d4.js' }] },
  generate: { routes: ['/posts/one', '/posts/two'], cache: false },
  build: { extractCSS: true },
}
