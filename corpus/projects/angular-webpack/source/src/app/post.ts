import { Component, inject } from "@angular/core";
import { ActivatedRoute } from "@angular/router";
import { Card } from "./card";

@Component({ selector: "corpus-post", imports: [Card], template: `<corpus-card [name]="slug" />` })
export class Post {
  slug = inject(ActivatedRoute).snapshot.params["slug"];
}
