import { createSignal } from 'solid-js'
import hero from '../images/Hero.PNG'
import { sum } from '../shared'
export default function Home() {
  const [count, setCount] = createSignal(0)
  return <main><h1>Home, first edition</h1><img src={hero} alt="" /><img src="/logo-deadbeef.png" alt="" /><button onClick={() => setCount(sum(count(), 1))}>{count()}</button></main>
}
