"use client";
import { useEffect, useState } from "react";
import dynamic from "next/dynamic";

const Greeting = dynamic(() => import("./Greeting"), { ssr: false });

export default function Version() {
  const [version, setVersion] = useState("");
  useEffect(() => {
    fetch("/data/version.json").then((reply) => reply.json()).then((data) => setVersion(data.version));
  }, []);
  return <Greeting name={version} />;
}
