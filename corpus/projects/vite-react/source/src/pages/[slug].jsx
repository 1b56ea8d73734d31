import Card from "../Card.jsx";

export default function Post() {
  return <Card name={new URLSearchParams(location.search).get("slug")} />;
}
