import { Counter } from '../components/Counter'
import hero from '../images/Hero.PNG'
export default async function Home() {
  return <main><h1>Home, first edition</h1><img src={hero} alt="" /><img src="/logo-deadbeef.png" alt="" /><Counter /></main>
}
export const getConfig = async () => ({ render: 'static' }) as const
