export function greeting(name) {
  return `Good day, ${name}. It is ${new Date().toLocaleDateString()}.`;
}
