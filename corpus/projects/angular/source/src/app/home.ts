import { Component, signal } from "@angular/core";

@Component({
  selector: "corpus-home",
  template: `<h1>Home {{ version() }}</h1><img src="small.png" srcset="small.png 60w, large.png 80w" alt="" />`,
})
export class Home {
  version = signal("");

  constructor() {
    fetch("data/version.json").then((reply) => reply.json()).then((data) => this.version.set(data.version));
    new Worker(new URL("./counting.worker", import.meta.url)).postMessage("worker");
  }
}
