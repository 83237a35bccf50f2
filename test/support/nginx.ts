/** An NGINX of the test's own: its files in one folder, its ports the test's. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Child } from './process.ts'
import { programPath } from './program.ts'
import { temporaryFolder } from './temporary.ts'

/** What stands in its file: either part as it is in deploy/nginx. */
export interface NginxPlan {
  /** At the top level of the file. */
  readonly top?: string
  /** Inside of `http`. */
  readonly http?: string
}

/** The running NGINX; its log is what it wrote on standard error. */
export interface Nginx extends AsyncDisposable {
  readonly log: Child
}

/** Starts it; resolves when it listens. Throws, with its log, when the configuration is wrong. */
export async function startNginx({ top = '', http }: NginxPlan): Promise<Nginx> {
  await using started = new AsyncDisposableStack()
  const { path } = started.use(await temporaryFolder())
  await mkdir(join(path, 'logs'))
  const file = join(path, 'nginx.conf')
  const isStream = /^\s*stream\b/m.test(top)
  const module = isStream ? `load_module ${programPath('ngx_stream_module.so')};\n` : ''
  await writeFile(file, [module, mainPart(path), top, http && httpPart(path, http)].join('\n'))
  const log = started.use(new Child(programPath('nginx'), ['-p', path, '-c', file]))
  await log.waitForLine(/start worker process \d+/, { deadlineMs: 20_000 })
  const stack = started.move()
  return { log, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

function mainPart(folder: string): string {
  // Started by root, its workers would become a user that cannot read this folder.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  return `${user}
daemon off;
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log stderr notice;
events { worker_connections 256; }`
}

function httpPart(folder: string, http: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const places = kinds.map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
  const types = 'types { text/html html; text/javascript js; }'
  return `http {\naccess_log off;\n${types}\n${places.join('\n')}\n${http}\n}`
}
