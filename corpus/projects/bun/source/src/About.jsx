import styles from './About.module.css'
import { sum } from './shared'
export default function About() {
  return <h1 className={styles.title}>About {sum(3, 4)}</h1>
}
