import { component$, useSignal } from '@builder.io/qwik'
import { Link } from '@builder.io/qwik-city'
import hero from '../images/Hero.PNG'
import { sum } from '../shared'
export default component$(() => {
  const count = useSignal(0)
  return (
    <main>
      <h1>Home, first edition</h1>
      <img src={hero} alt="" width="64" height="60" />
      <img src="/logo-deadbeef.png" alt="" width="1" height="1" />
      <button onClick$={() => { count.value = sum(count.value, 1) }}>{count.value}</button>
      <Link href="/about/">About</Link> <a href="/brochure-DOWNLOAD.pdf">Brochure</a>
    </main>
  )
})
