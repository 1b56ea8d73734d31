import hero from '../images/Hero.PNG'
import { sum } from '../shared'
export default function Home() {
  return <main><h1>Home, first edition {sum(1, 2)}</h1><img src={hero} alt="" /></main>
}
