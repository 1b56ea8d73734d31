import React, { lazy, Suspense } from 'react'
import small from '../images/card-small.png'
import { sum } from '../shared'
import styles from './about.css'
const Lazy = lazy(() => import('../Lazy'))
export default function About() {
  return <section><h1 className={styles.title}>About {sum(3, 4)}</h1><img src={small} alt="" /><Suspense fallback="…"><Lazy /></Suspense></section>
}
