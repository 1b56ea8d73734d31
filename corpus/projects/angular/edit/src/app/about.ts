import { Component } from "@angular/core";
import { Card } from "./card";

@Component({
  selector: "corpus-about",
  imports: [Card],
  template: `<p>This page says where we began and what came after.</p><corpus-card name="About" />`,
})
export class About {}
