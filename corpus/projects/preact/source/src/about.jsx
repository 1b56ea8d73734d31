import { sum } from './shared'
import styles from './about.module.css'
export default function About() {
  return <h1 class={styles.title}>About {sum(3, 4)}</h1>
}
