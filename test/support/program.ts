/**
 * System programs that a test speaks to, and what happens to the test where one is not installed.
 *
 * Invariant: a test that lacks a program is never silently green. It is skipped, its title naming
 * the Debian package; or, where SALLYPORT_TEST_REQUIRE=all says that everything must run, it fails.
 */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'

/** The Debian package of each program that some test needs. */
const packages = {
  'activemq.jar': 'activemq',
  'chromium-headless-shell': 'chromium-headless-shell',
  curl: 'curl',
  initdb: 'postgresql',
  java: 'default-jre-headless',
  ldapsearch: 'ldap-utils',
  mosquitto: 'mosquitto',
  mosquitto_pub: 'mosquitto-clients',
  mosquitto_sub: 'mosquitto-clients',
  nginx: 'nginx',
  'ngx_stream_module.so': 'libnginx-mod-stream',
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
} as const

/** A system program by its usual name. */
export type ProgramName = keyof typeof packages

type DeclareTest = (title: string, body: (t: ExecutionContext) => Promise<void> | void) => void

type Outcome =
  | { readonly kind: 'run' }
  | { readonly kind: 'skip' | 'fail'; readonly reason: string }

/** Declares tests that run only where all these programs are installed. */
export function testWith(...programs: readonly ProgramName[]): DeclareTest {
  return declaredBy(test, programs)
}

/** The same, for tests of a file that run one after the other. */
export function serialTestWith(...programs: readonly ProgramName[]): DeclareTest {
  return declaredBy(test.serial, programs)
}

function declaredBy(declare: DeclareTest, programs: readonly ProgramName[]): DeclareTest {
  const missing = programs.filter((name) => findProgram(name) === undefined)
  const outcome = outcomeOf(missing, process.env.SALLYPORT_TEST_REQUIRE)
  switch (outcome.kind) {
    case 'run':
      return declare
    case 'fail':
      return (title) => declare(title, (t) => t.fail(outcome.reason))
    case 'skip': {
      const { skip } = test
      return (title, body) => skip(`${title} (${outcome.reason})`, body)
    }
    default:
      return outcome satisfies never
  }
}

/** What becomes of a test that lacks these programs, under this value of SALLYPORT_TEST_REQUIRE. */
export function outcomeOf(missing: readonly ProgramName[], required: string | undefined): Outcome {
  if (missing.length === 0) return { kind: 'run' }
  const debian = [...new Set(missing.map((name) => packages[name]))]
  const reason = `no ${missing.join(', ')} here: apt-get install ${debian.join(' ')}`
  return { kind: required === 'all' ? 'fail' : 'skip', reason }
}

/** The absolute path of an installed program. Throws, naming its Debian package, when absent. */
export function programPath(name: ProgramName): string {
  const path = findProgram(name)
  if (path === undefined) throw new Error(`${name} not found: apt-get install ${packages[name]}`)
  return path
}

function findProgram(name: ProgramName): string | undefined {
  return searchedFolders()
    .map((folder) => join(folder, name))
    .find(/\.(?:jar|so)$/.test(name) ? existsSync : isExecutable)
}

/** Where Debian keeps what others load: NGINX its modules, java the broker. */
const partFolders = ['/usr/lib/nginx/modules', '/usr/share/activemq/bin']

/** PATH, the folders of servers and of parts, and each version of PostgreSQL, newest first. */
function searchedFolders(): readonly string[] {
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const servers = ['/usr/local/sbin', '/usr/sbin', '/sbin']
  return [...path, ...servers, ...partFolders, ...postgresFolders()]
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
