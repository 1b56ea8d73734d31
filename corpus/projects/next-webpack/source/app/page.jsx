import Link from "next/link";
import Image from "next/image";
import Version from "./ui/Version";
import small from "./ui/small.png";
import large from "./ui/large.png";
import hero from "./ui/HeroBANNER.png";

export default function Home() {
  return (
    <main>
      <h1>Home</h1>
      <Version />
      <img src={small.src} srcSet={`${small.src} 60w, ${large.src} 80w`} alt="" />
      <Image src={hero} alt="" />
      <Link href="/about">About</Link> <Link href="/posts/one">One</Link>
    </main>
  );
}
