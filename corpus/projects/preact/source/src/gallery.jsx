import small from './images/card-small.png'
import large from './images/card-large.png'
import { sum } from './shared'
export default function Gallery() {
  return <section><h1>Gallery {sum(5, 6)}</h1><img src={small} srcset={`${small} 1x, ${large} 2x`} alt="" /></section>
}
