import { component$, useSignal } from '@builder.io/qwik'
import small from '../../images/card-small.png'
import large from '../../images/card-large.png'
import { sum } from '../../shared'
import styles from './about.module.css'
export default component$(() => {
  const shown = useSignal('')
  return (
    <section>
      <h1 class={styles.title}>About</h1>
      <img src={small} srcset={`${small} 1x, ${large} 2x`} alt="" width="60" height="60" />
      <button onClick$={async () => { shown.value = sum(1, 2) + (await import('../../lazy')).word }}>{shown.value}</button>
    </section>
  )
})
