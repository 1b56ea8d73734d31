import { Gallery } from './Gallery'
export default { component: Gallery }
export const Default = {}
