import React from 'react'
import { Link } from 'umi'
import hero from '../images/card-large.png'
import { sum } from '../shared'
export default function Home() {
  return <main><h1>Home, second edition {sum(1, 2)}</h1><img src={hero} alt="" /><img src="/logo-deadbeef.png" alt="" /><Link to="/about">About</Link></main>
}
