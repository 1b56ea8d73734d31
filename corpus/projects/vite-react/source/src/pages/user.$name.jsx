import Card from "../Card.jsx";
import "./user.css";

export default function User() {
  return <Card name="User" />;
}
