import dynamic from "next/dynamic";

const Chart = dynamic(() => import("../../app/ui/Greeting"));

export default function Legacy() {
  return <Chart name="Legacy" />;
}
