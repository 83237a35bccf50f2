/** A small web server for a test: it gives back what it is sent, with its SHA-256. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The running server. */
export interface WebServer extends AsyncDisposable {
  readonly port: number
}

/** Starts the server on a loopback port; it answers each request with the body that it was sent. */
export async function startWebServer(): Promise<WebServer> {
  const server = createServer((request, response) => {
    const hash = createHash('sha256')
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => {
      hash.update(piece)
      pieces.push(piece)
    })
    request.on('end', () => {
      response.setHeader('x-method', request.method ?? '')
      response.setHeader('x-sha256', hash.digest('hex'))
      response.end(Buffer.concat(pieces))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
