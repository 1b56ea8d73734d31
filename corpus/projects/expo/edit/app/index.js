import { Link } from 'expo-router'
import { Image, Text, View } from 'react-native'
import { sum } from '../shared'
import styles from '../home.module.css'
export default function Home() {
  return (
    <View>
      <Text>Home, second edition {sum(1, 2)}</Text>
      <div className={styles.title}>Title</div>
      <Image source={require('../assets/hero.png')} style={{ width: 64, height: 60 }} />
      <img src="/logo-deadbeef.png" alt="" />
      <Link href="/about">About</Link>
    </View>
  )
}
