import Greeting from "../../ui/Greeting";

export const getStaticPaths = () => ({ paths: ["/posts/one", "/posts/two"], fallback: false });
export const getStaticProps = ({ params }) => ({ props: { slug: params.slug } });

export default function Post({ slug }) {
  return <Greeting name={slug} />;
}
