import React from 'react'
import small from '../images/card-small.png'
import large from '../images/card-large.png'
import { sum } from '../shared'
export default function Gallery() {
  return <section><h2>Gallery {sum(5, 6)}</h2><img src={small} srcSet={`${small} 1x, ${large} 2x`} alt="" /></section>
}
