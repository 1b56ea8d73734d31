import preact from '@preact/preset-vite'
export default {
  build: { sourcemap: true },
  plugins: [preact({ prerender: { enabled: true, renderTarget: '#app', additionalPrerenderRoutes: ['/about'] } })],
}
