import { useParams } from '@solidjs/router'
export default function Post() {
  return <h1>Post {useParams().slug}</h1>
}
