import hero from '../../images/Hero.PNG'
import { sum } from '../../shared'
export default function Page() {
  return <main><h1>Home, second edition {sum(1, 2)}</h1><img src={hero} alt="" /><img src="/docs/logo-deadbeef.png" alt="" /></main>
}
