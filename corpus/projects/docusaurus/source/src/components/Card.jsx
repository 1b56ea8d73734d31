export default function Card() {
  return <p>Good day. It is {new Date().toLocaleDateString()}.</p>;
}
