export function loader({ params }) {
  return { slug: params.slug }
}
export default function Post({ loaderData }) {
  return <h1>Post {loaderData.slug}</h1>
}
