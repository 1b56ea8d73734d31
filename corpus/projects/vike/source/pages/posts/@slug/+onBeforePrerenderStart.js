export default function onBeforePrerenderStart() {
  return ['/posts/one', '/posts/two']
}
