import { createFileRoute } from '@tanstack/react-router'
export const Route = createFileRoute('/posts/$slug')({ component: Post })
function Post() {
  return <h1>Post {Route.useParams().slug}</h1>
}
