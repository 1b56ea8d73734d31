import { lazy } from 'solid-js'
import small from '../images/card-small.png'
import large from '../images/card-large.png'
import { sum } from '../shared'
import styles from './about.module.css'
const Lazy = lazy(() => import('../Lazy'))
export default function About() {
  return <section><h1 class={styles.title}>About {sum(3, 4)}</h1><img src={small} srcset={`${small} 1x, ${large} 2x`} alt="" /><Lazy /></section>
}
