import { Link, Links, Meta, Outlet, Scripts } from '@remix-run/react'
import './app.css'
export function Layout({ children }) {
  return (
    <html lang="en">
      <head><meta charSet="utf-8" /><Meta /><Links /></head>
      <body><img src="/logo-deadbeef.png" alt="" />{children}<Scripts /></body>
    </html>
  )
}
export default function App() {
  return <><Link to="/">Home</Link> <Link to="/about">About</Link><Outlet /></>
}
export function HydrateFallback() {
  return <p>…</p>
}
