import { Link, Outlet } from '@modern-js/runtime/router'
import '../styles.css'
export default function Layout() {
  return <div><Link to="/">Home</Link> <Link to="/about">About</Link><Outlet /></div>
}
