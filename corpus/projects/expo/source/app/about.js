import { lazy, Suspense } from 'react'
import { Text } from 'react-native'
import { sum } from '../shared'
const Lazy = lazy(() => import('../lazy'))
export default function About() {
  return <Suspense fallback={null}><Text>About {sum(3, 4)}</Text><Lazy /></Suspense>
}
