import.meta.glob("../images/**")
import { sum } from './shared'
console.log(sum(1, 2))
import('./lazy').then((lazy) => lazy.start())
