import React, { Suspense, lazy } from 'react'
import * as styles from './about.module.css'
import { sum } from '../shared'
const Gallery = lazy(() => import('../components/Gallery'))
export default function About() {
  return <div><h1 className={styles.title}>About {sum(3, 4)}</h1><Suspense fallback="…"><Gallery /></Suspense></div>
}
