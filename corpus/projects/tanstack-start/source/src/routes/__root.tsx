import { createRootRoute, HeadContent, Link, Outlet, Scripts } from '@tanstack/react-router'
import css from '../app.css?url'
export const Route = createRootRoute({
  head: () => ({ meta: [{ charSet: 'utf-8' }], links: [{ rel: 'stylesheet', href: css }, { rel: 'icon', href: '/favicon.ico' }] }),
  component: () => (
    <html lang="en">
      <head><HeadContent /></head>
      <body><Link to="/">Home</Link> <Link to="/about">About</Link> <Link to="/posts/$slug" params={{ slug: 'one' }}>Post</Link><Outlet /><Scripts /></body>
    </html>
  ),
})
