import { Config } from '@stencil/core'
export const config: Config = {
  namespace: 'app',
  globalStyle: 'src/global.css',
  taskQueue: 'async',
  outputTargets: [{ type: 'www', serviceWorker: null, baseUrl: 'https://www.example.com/', copy: [{ src: '../public', dest: '.' }] }],
}
