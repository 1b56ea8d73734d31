import { createFileRoute } from '@tanstack/react-router'
import hero from '../images/Hero.PNG'
import { sum } from '../shared'
export const Route = createFileRoute('/')({
  component: () => <main><h1>Home, first edition {sum(1, 2)}</h1><img src={hero} alt="" /><img src="/logo-deadbeef.png" alt="" /><img src="/assets/photo-a1b2c3d4.jpg" alt="" /></main>,
})
