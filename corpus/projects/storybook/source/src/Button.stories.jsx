import { Button } from './Button'
export default { component: Button }
export const Primary = { args: { label: 'Primary' } }
export const Logo = { render: () => <img src="/logo-deadbeef.png" alt="" /> }
