import '../app.css'
export default function Layout({ children }) {
  return <><a href="/docs/">Home</a> <a href="/docs/about">About</a>{children}</>
}
