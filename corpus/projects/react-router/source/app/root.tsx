import { Link, Links, Meta, Outlet, Scripts, ScrollRestoration } from 'react-router'
import './app.css'
export function Layout({ children }) {
  return (
    <html lang="en">
      <head><meta charSet="utf-8" /><link rel="icon" href="/favicon.ico" /><Meta /><Links /></head>
      <body><Link to="/">Home</Link> <Link to="/about">About</Link>{children}<script src="/assets/vendor-a1b2c3d4.js" /><ScrollRestoration /><Scripts /></body>
    </html>
  )
}
export default function App() {
  return <Outlet />
}
