/**
 * Where system programs are, and which Debian package brings each.
 *
 * Invariant: nothing here is of a test, so that commands of this repository may ask too.
 */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The Debian package of each program that some test needs. */
export const packages = {
  'activemq.jar': 'activemq',
  'chromium-headless-shell': 'chromium-headless-shell',
  curl: 'curl',
  initdb: 'postgresql',
  ip: 'iproute2',
  java: 'default-jre-headless',
  ldapsearch: 'ldap-utils',
  mosquitto: 'mosquitto',
  mosquitto_pub: 'mosquitto-clients',
  mosquitto_sub: 'mosquitto-clients',
  nft: 'nftables',
  nginx: 'nginx',
  'ngx_stream_module.so': 'libnginx-mod-stream',
  nsenter: 'util-linux',
  openssl: 'openssl',
  postgres: 'postgresql',
  psql: 'postgresql',
  'rabbitmq-server': 'rabbitmq-server',
  'redis-cli': 'redis-tools',
  'redis-server': 'redis-server',
  slapd: 'slapd',
  ss: 'iproute2',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  sshd: 'openssh-server',
  unshare: 'util-linux',
} as const

/** A system program by its usual name. */
export type ProgramName = keyof typeof packages

/** What is missing, and what brings it. */
export function lackOf(missing: readonly ProgramName[]): string {
  const debian = [...new Set(missing.map((name) => packages[name]))]
  return `no ${missing.join(', ')} here: apt-get install ${debian.join(' ')}`
}

/** The absolute path of an installed program. Throws, naming its Debian package, when absent. */
export function programPath(name: ProgramName): string {
  const path = findProgram(name)
  if (path === undefined) throw new Error(`${name} not found: apt-get install ${packages[name]}`)
  return path
}

/** The absolute path of a program, if it is installed. */
export function findProgram(name: ProgramName): string | undefined {
  return searchedFolders()
    .map((folder) => join(folder, name))
    .find(/\.(?:jar|so)$/.test(name) ? existsSync : isExecutable)
}

/** Where Debian keeps what others load: NGINX its modules, java the broker. */
const partFolders = ['/usr/lib/nginx/modules', '/usr/share/activemq/bin']

/** PATH, the folders of servers and of parts, and each version of PostgreSQL, newest first. */
function searchedFolders(): readonly string[] {
  const path = (process.env.PATH ?? '').split(delimiter).filter(isOfSystem)
  const servers = ['/usr/local/sbin', '/usr/sbin', '/sbin']
  return [...path, ...servers, ...partFolders, ...postgresFolders()]
}

/** npm puts the commands of packages first, and one of them is called nft as well. */
function isOfSystem(folder: string): boolean {
  return folder !== '' && !folder.endsWith(join('node_modules', '.bin'))
}

function postgresFolders(): readonly string[] {
  const versions = '/usr/lib/postgresql'
  try {
    return readdirSync(versions)
      .sort((one, other) => Number(other) - Number(one))
      .map((version) => join(versions, version, 'bin'))
  } catch {
    return []
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
