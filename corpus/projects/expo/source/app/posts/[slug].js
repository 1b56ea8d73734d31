import { useLocalSearchParams } from 'expo-router'
import { Text } from 'react-native'
export const generateStaticParams = () => [{ slug: 'one' }, { slug: 'two' }]
export default function Post() {
  return <Text>Post {useLocalSearchParams().slug}</Text>
}
