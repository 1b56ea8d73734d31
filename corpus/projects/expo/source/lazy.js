import { Image } from 'react-native'
export default function Lazy() {
  return <Image source={require('./assets/card-small.png')} style={{ width: 60, height: 60 }} />
}
