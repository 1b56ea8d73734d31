import Route from '@ember/routing/route'
export default class About extends Route {
  async model() {
    const { nanoid } = await import('nanoid')
    return nanoid()
  }
}
