import { createFileRoute } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import small from '../images/card-small.png'
import large from '../images/card-large.png'
import { sum } from '../shared'
import styles from '../about.module.css'
const Lazy = lazy(() => import('../lazy'))
export const Route = createFileRoute('/about')({
  component: () => <section><h1 className={styles.title}>About {sum(3, 4)}</h1><img src={small} srcSet={`${small} 1x, ${large} 2x`} alt="" /><Suspense><Lazy /></Suspense></section>,
})
