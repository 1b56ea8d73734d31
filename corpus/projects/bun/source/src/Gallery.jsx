import { useEffect, useState } from 'react'
import small from './images/card-small.png'
import large from './images/card-large.png'
import { sum } from './shared'
export default function Gallery() {
  const [version, setVersion] = useState()
  useEffect(() => { fetch('/data/version.json').then((r) => r.json()).then(setVersion) }, [])
  return <section><h1>Gallery {sum(5, 6)}</h1><img src={small} srcSet={`${small} 1x, ${large} 2x`} alt="" /><pre>{JSON.stringify(version)}</pre></section>
}
