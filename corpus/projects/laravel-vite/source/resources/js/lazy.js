import { sum } from './shared'
export const start = () => console.log(sum(3, 4))
