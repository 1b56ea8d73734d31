import React from 'react'
import { Link } from 'gatsby'
import { StaticImage } from 'gatsby-plugin-image'
import hero from '../images/HERO.png'
import { sum } from '../shared'
export default function Home() {
  return (
    <main>
      <h1>Home, first edition {sum(1, 2)}</h1>
      <img src={hero} alt="" />
      <StaticImage src="../images/card-large.png" alt="" width={40} layout="constrained" />
      <img src="/logo-deadbeef.png" alt="" />
      <a href="/brochure-DOWNLOAD.pdf">Brochure</a>
      <Link to="/about/">About</Link>
    </main>
  )
}
