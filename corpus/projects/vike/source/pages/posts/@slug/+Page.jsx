import { usePageContext } from 'vike-react/usePageContext'
export default function Page() {
  return <h1>Post {usePageContext().routeParams.slug}</h1>
}
