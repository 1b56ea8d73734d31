import { hydrate, LocationProvider, Router, Route, lazy, prerender as ssr } from 'preact-iso'
import hero from './images/Hero.PNG'
import { sum } from './shared'
import './style.css'
const About = lazy(() => import('./about.jsx'))
const Gallery = lazy(() => import('./gallery.jsx'))
function Home() {
  return <main><h1>Home, second edition {sum(1, 2)}</h1><img src={hero} alt="" /><a href="/about">About</a> <a href="/gallery">Gallery</a></main>
}
export function App() {
  return <LocationProvider><Router><Route path="/" component={Home} /><Route path="/about" component={About} /><Route path="/gallery" component={Gallery} /></Router></LocationProvider>
}
if (typeof window !== 'undefined') hydrate(<App />, document.getElementById('app'))
export const prerender = () => ssr(<App />)
