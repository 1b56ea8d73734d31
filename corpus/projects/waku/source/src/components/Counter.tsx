'use client'
import { useState } from 'react'
import { sum } from '../shared'
import styles from './Counter.module.css'
export function Counter() {
  const [count, setCount] = useState(0)
  return <button className={styles.counter} onClick={() => setCount(sum(count, 1))}>{count}</button>
}
