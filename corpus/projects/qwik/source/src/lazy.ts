export const word = 'lazy'
