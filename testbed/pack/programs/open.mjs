// Tells why open() refuses a file that is none of our devices: past the addon, whose device it is asked.
import { open } from 'pendshare'

const device = open({ path: '/dev/null' })
device.catch(({ code, message }) => console.log(JSON.stringify({ code, message })))
