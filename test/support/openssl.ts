/** The system's openssl as a witness of certificates that it did not make. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './process.ts'
import { programPath } from './program.ts'
import { temporaryFolder } from './temporary.ts'

/** What openssl is to judge: certificates and lists as PEM. */
export interface Chain {
  readonly root: string
  readonly leaf: string
  /** Certificates that a peer could show beside its leaf; trusted by nobody. */
  readonly others?: readonly string[]
  /** A revocation list, which is then checked. */
  readonly revocations?: string
}

/** Has openssl verify the leaf. Throws, with what openssl says, when it refuses. */
export async function opensslVerify(chain: Chain, ...options: readonly string[]): Promise<string> {
  await using folder = await temporaryFolder()
  const args = ['verify', '-x509_strict', ...options]
  const give = async (option: string, text: string | undefined): Promise<void> => {
    if (text === undefined || text === '') return
    const file = join(folder.path, `${args.length}.pem`)
    await writeFile(file, text)
    args.push(...(option === '' ? [file] : [option, file]))
  }
  await give('-CAfile', chain.root)
  await give('-untrusted', chain.others?.join(''))
  if (chain.revocations !== undefined) args.push('-crl_check')
  await give('-CRLfile', chain.revocations)
  await give('', chain.leaf)
  return await run(programPath('openssl'), args)
}
