import { Suspense, lazy } from 'react'
import small from './images/card-small.png'
import large from './images/card-large.png'
const Lazy = lazy(() => import('./Lazy'))
export function Gallery() {
  return <section><img src={small} srcSet={`${small} 1x, ${large} 2x`} alt="" /><Suspense><Lazy /></Suspense></section>
}
