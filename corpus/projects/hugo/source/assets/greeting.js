export function greeting(name) { return `Good day, ${name}.`; }
