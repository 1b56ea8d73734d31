// @refresh reload
import { createHandler, StartServer } from '@solidjs/start/server'
export default createHandler(() => (
  <StartServer
    document={({ assets, children, scripts }) => (
      <html lang="en">
        <head><meta charset="utf-8" /><link rel="icon" href="/favicon.ico" />{assets}</head>
        <body><div id="app">{children}</div><script src="/assets/vendor-a1b2c3d4.js" />{scripts}</body>
      </html>
    )}
  />
))
