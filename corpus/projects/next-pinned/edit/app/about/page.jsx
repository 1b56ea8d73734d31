"use client";
import Greeting from "../ui/Greeting";
import team from "../ui/team-MEETTEAM.jpg";

export default function About() {
  return (
    <main>
      <p>This page says where we began and what came after.</p>
      <img src={team.src} alt="" />
      <Greeting name="About" />
    </main>
  );
}
