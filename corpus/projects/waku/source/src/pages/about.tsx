import small from '../images/card-small.png'
import large from '../images/card-large.png'
export default async function About() {
  return <section><h1>About</h1><img src={small} srcSet={`${small} 1x, ${large} 2x`} alt="" /></section>
}
export const getConfig = async () => ({ render: 'static' }) as const
