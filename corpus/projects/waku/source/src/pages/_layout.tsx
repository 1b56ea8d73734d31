import '../styles.css'
import { Link } from 'waku'
export default async function Layout({ children }) {
  return <div><link rel="icon" href="/favicon.ico" /><Link to="/">Home</Link> <Link to="/about">About</Link>{children}</div>
}
export const getConfig = async () => ({ render: 'static' }) as const
