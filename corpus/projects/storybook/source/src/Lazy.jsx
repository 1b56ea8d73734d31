import { sum } from './shared'
export default function Lazy() {
  return <p>Lazy {sum(3, 4)}</p>
}
