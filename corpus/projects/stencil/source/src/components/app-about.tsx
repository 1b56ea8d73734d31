import { Component, h } from '@stencil/core'
import { sum } from '../shared'
@Component({ tag: 'app-about', shadow: true })
export class AppAbout {
  async componentWillLoad() {
    console.log((await import('../lazy')).word)
  }
  render() {
    return <section><h1>About {sum(3, 4)}</h1><img src="/assets/card-small.png" srcSet="/assets/card-small.png 1x, /assets/card-large.png 2x" alt="" /></section>
  }
}
