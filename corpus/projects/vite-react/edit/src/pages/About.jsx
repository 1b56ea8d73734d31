import Card from "../Card.jsx";
import team from "../team-MEETTEAM.jpg";

export default function About() {
  return (
    <main>
      <p>This page says where we began and what came after.</p>
      <img src={team} alt="" />
      <Card name="About" />
    </main>
  );
}
