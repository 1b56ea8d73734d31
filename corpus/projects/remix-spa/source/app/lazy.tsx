import { sum } from './shared'
export default function Lazy() {
  return <p>Lazy {sum(5, 6)}</p>
}
