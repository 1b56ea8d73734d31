import { Suspense, lazy, useState } from 'react'
import { createRoot } from 'react-dom/client'
import './index.css'
import hero from './images/Hero.PNG'
import { sum } from './shared'

const pages = { about: lazy(() => import('./About')), gallery: lazy(() => import('./Gallery')) }

function Home() {
  const [name, setName] = useState()
  const Page = pages[name]
  return (
    <main>
      <h1>Home, first edition {sum(1, 2)}</h1>
      <img src={hero} alt="" />
      <button onClick={() => setName('about')}>About</button>
      <button onClick={() => setName('gallery')}>Gallery</button>
      <Suspense fallback="…">{Page && <Page />}</Suspense>
    </main>
  )
}
createRoot(document.getElementById('root')).render(<Home />)
