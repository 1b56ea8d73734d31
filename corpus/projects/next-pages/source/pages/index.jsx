import dynamic from "next/dynamic";
import Link from "next/link";
import { useEffect, useState } from "react";
import small from "../ui/small.png";
import large from "../ui/large.png";

const Greeting = dynamic(() => import("../ui/Greeting"), { ssr: false });

export default function Home() {
  const [version, setVersion] = useState("");
  useEffect(() => {
    fetch("/docs/data/version.json").then((reply) => reply.json()).then((data) => setVersion(data.version));
  }, []);
  return (
    <main>
      <h1>Home</h1>
      <Greeting name={version} />
      <img src={small.src} srcSet={`${small.src} 60w, ${large.src} 80w`} alt="" />
      <Link href="/about">About</Link> <Link href="/posts/one">One</Link>
    </main>
  );
}
