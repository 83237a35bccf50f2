/**
 * A target of its own process that gives back what it is sent, so that the descriptors of both ends
 * of ten thousand streams need not fit one process.
 *
 * Invariant: it prints the port that it listens on, and ends with its parent.
 */
import { type AddressInfo, createServer } from 'node:net'

const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on('error', () => {})
  socket.pipe(socket)
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
