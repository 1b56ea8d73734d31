import { useParams } from '@remix-run/react'
export default function Post() {
  return <h1>Post {useParams().slug}</h1>
}
