import Greeting from "../../ui/Greeting";

export const dynamicParams = false;
export const generateStaticParams = () => [{ slug: "one" }, { slug: "two" }];

export default async function Post({ params }) {
  return <Greeting name={(await params).slug} />;
}
