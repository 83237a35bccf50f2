/**
 * Where a process listens, asked of the kernel and not of the process.
 *
 * Invariant: an answer is complete: every TCP listener and every UDP socket without a peer, of all
 * that the process has open. Where the kernel does not tell (no /proc), there is no answer.
 */
import { readdir, readFile, readlink } from 'node:fs/promises'

/** A place where a process can be reached from outside it. */
export interface ListeningPlace {
  readonly protocol: 'tcp' | 'udp'
  /** `127.0.0.1`, `0.0.0.0`, or eight groups: `0:0:0:0:0:0:0:1`. */
  readonly address: string
  readonly port: number
}

/** All places where this process listens, or undefined where the system cannot be asked. */
export async function listeningPlaces(pid: number): Promise<readonly ListeningPlace[] | undefined> {
  try {
    const own = await socketsOf(pid)
    const places = await Promise.all(tables.map(async (table) => await readTable(pid, table)))
    return places.flat().flatMap(({ inode, place }) => (own.has(inode) ? [place] : []))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** True for an address that no other machine can reach. */
export function isLoopback({ address }: ListeningPlace): boolean {
  return address.startsWith('127.') || address === '0:0:0:0:0:0:0:1'
}

interface Table {
  readonly file: string
  readonly protocol: ListeningPlace['protocol']
  /** The state, as the kernel numbers it, of a socket that waits for somebody. */
  readonly state: string
}

const tables: readonly Table[] = [
  { file: 'tcp', protocol: 'tcp', state: '0A' },
  { file: 'tcp6', protocol: 'tcp', state: '0A' },
  { file: 'udp', protocol: 'udp', state: '07' },
  { file: 'udp6', protocol: 'udp', state: '07' },
]

/** The inodes of the sockets that the process has open. */
async function socketsOf(pid: number): Promise<ReadonlySet<string>> {
  const folder = `/proc/${pid}/fd`
  const links = (await readdir(folder)).map(async (name) => {
    // A file may be closed between the listing and the look at it.
    const target = await readlink(`${folder}/${name}`).catch(() => '')
    return /^socket:\[(\d+)\]$/.exec(target)?.[1]
  })
  return new Set((await Promise.all(links)).filter((inode) => inode !== undefined))
}

/** The rows of a table of the kernel (proc_pid_net(5)) that are in the state. */
async function readTable(
  pid: number,
  { file, protocol, state }: Table,
): Promise<readonly { readonly inode: string; readonly place: ListeningPlace }[]> {
  // Without IPv6 the kernel has no table for it.
  const text = await readFile(`/proc/${pid}/net/${file}`, 'utf8').catch(() => '')
  const rows = text.split('\n').slice(1)
  return rows.flatMap((row) => {
    const [, local = '', , rowState, , , , , , inode = ''] = row.trim().split(/\s+/)
    if (rowState !== state) return []
    const [address = '', port = ''] = local.split(':')
    const place = { protocol, address: addressOf(address), port: Number.parseInt(port, 16) }
    return [{ inode, place }]
  })
}

/** The kernel writes an address as words of 32 bits, each in the order of the machine. */
function addressOf(hexadecimal: string): string {
  const words = Buffer.from(hexadecimal, 'hex')
  if (littleEndian) words.swap32()
  if (words.length === 4) return words.join('.')
  return Array.from({ length: 8 }, (_, group) => words.readUInt16BE(2 * group).toString(16)).join(
    ':',
  )
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
