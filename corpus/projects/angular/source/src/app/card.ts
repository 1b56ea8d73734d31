import { Component, input } from "@angular/core";

@Component({
  selector: "corpus-card",
  template: `<div class="card">Good day, {{ name() }}.</div>`,
  styles: `.card { padding: 1rem; background-image: url("../HeroBANNER.png"); }`,
})
export class Card {
  name = input("");
}
