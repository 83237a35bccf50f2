/**
 * The directory of the LDAP example: slapd with a few people, on loopback.
 *
 * Invariant: passwords are kept as salted hashes, and a hash is for binding only: nobody may read
 * it, not even its owner.
 */
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Fault } from '../../shared/protocol/fault.ts'
import { findProgram } from '../brokers/installed.ts'
import { onFreePorts } from '../ports.ts'
import type { Stage } from './stage.ts'

/** The running directory. */
export interface Directory {
  readonly port: number
  readonly base: string
}

/** Who is in it; the passwords are of this run and of this machine. */
export const people = {
  ada: { name: 'Ada Lovelace', title: 'buyer', password: secret() },
  charles: { name: 'Charles Babbage', title: 'engineer', password: secret() },
} as const

/** Starts it. Throws `usage` where slapd is not installed. */
export async function startDirectory({ folder, processes, signal }: Stage): Promise<Directory> {
  const program = findProgram('slapd')
  if (program === undefined) {
    throw new Fault('usage', 'slapd is not installed here: apt-get install slapd')
  }
  await mkdir(join(folder, 'directory'))
  await writeFile(join(folder, 'slapd.conf'), configuration(folder), { mode: 0o600 })
  await writeFile(join(folder, 'people.ldif'), entries(), { mode: 0o600 })
  const file = join(folder, 'slapd.conf')
  // `-Tadd` makes slapadd of it: it fills the folder, and ends.
  await promisify(execFile)(program, ['-Tadd', '-f', file, '-l', join(folder, 'people.ldif')], {
    signal,
  })
  return await onFreePorts([0], async ([port = 0]) => {
    const args = ['-f', file, '-h', `ldap://127.0.0.1:${port}`, '-d', 'none']
    const slapd = processes.start({ name: 'slapd', program, args })
    await slapd.heard('slapd starting', (line) => /slapd starting/.exec(line)?.[0])
    return { port, base }
  })
}

const base = 'dc=plant,dc=internal'

function configuration(folder: string): string {
  const schemas = ['core', 'cosine', 'inetorgperson']
  return [
    ...schemas.map((name) => `include /etc/ldap/schema/${name}.schema`),
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    `pidfile ${join(folder, 'slapd.pid')}`,
    'database mdb',
    `suffix "${base}"`,
    `directory ${join(folder, 'directory')}`,
    'access to attrs=userPassword by anonymous auth by * none',
    'access to * by users read by * none',
    '',
  ].join('\n')
}

function entries(): string {
  const units = [
    [`dn: ${base}`, 'objectClass: domain', 'dc: plant'],
    [`dn: ou=people,${base}`, 'objectClass: organizationalUnit', 'ou: people'],
  ]
  const persons = Object.entries(people).map(([uid, { name, title, password }]) => [
    `dn: uid=${uid},ou=people,${base}`,
    'objectClass: inetOrgPerson',
    `uid: ${uid}`,
    `cn: ${name}`,
    `sn: ${name.split(' ')[1]}`,
    `title: ${title}`,
    `userPassword: ${salted(password)}`,
  ])
  return [...units, ...persons].map((lines) => `${lines.join('\n')}\n`).join('\n')
}

/** As RFC 2307 has it, with a salt: {SSHA}. */
function salted(password: string): string {
  const salt = randomBytes(8)
  const digest = createHash('sha1').update(password).update(salt).digest()
  return `{SSHA}${Buffer.concat([digest, salt]).toString('base64')}`
}

function secret(): string {
  return randomBytes(12).toString('base64url')
}
