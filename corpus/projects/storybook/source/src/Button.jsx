import styles from './Button.module.css'
import hero from './images/Hero.PNG'
import { sum } from './shared'
export function Button({ label }) {
  return <button className={styles.button}><img src={hero} alt="" />{label}, first edition {sum(1, 2)}</button>
}
