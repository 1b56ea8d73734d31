import React from 'react'
import { sum } from '../../shared'
export default function Post({ params }) {
  return <h1>Post {params.slug} {sum(7, 8)}</h1>
}
