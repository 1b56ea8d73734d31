import React from 'react'
import { useParams } from 'umi'
export default function Post() {
  return <h1>Post {useParams().slug}</h1>
}
