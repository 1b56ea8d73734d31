import React, { Suspense, lazy } from 'react'
import { createRoot } from 'react-dom/client'
import { BrowserRouter, Link, Route, Routes } from 'react-router-dom'
import './index.css'
import hero from './images/Hero.PNG'
import { sum } from './shared'

const About = lazy(() => import('./About'))
const Gallery = lazy(() => import('./Gallery'))

function Home() {
  return <main><h1>Home, first edition {sum(1, 2)}</h1><img src={hero} alt="" /></main>
}

createRoot(document.getElementById('root')).render(
  <BrowserRouter>
    <nav><Link to="/">Home</Link> <Link to="/about">About</Link> <Link to="/gallery">Gallery</Link></nav>
    <Suspense fallback="…">
      <Routes>
        <Route path="/" element={<Home />} />
        <Route path="/about" element={<About />} />
        <Route path="/gallery" element={<Gallery />} />
      </Routes>
    </Suspense>
  </BrowserRouter>,
)
