#!/usr/bin/env node
/**
 * The entry point. Invariant: plain JavaScript that any Node.js can read, so that one which is too
 * old hears a sentence instead of a syntax error.
 */
import { setFlagsFromString } from 'node:v8'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
// Buffers live outside the heap, and only a collection frees them. As node has it, that is a full
// one for each ten to twenty megabytes carried, and more than half of all CPU time: V8's limits
// follow the small heap, not the traffic. A young generation that stays small frees most buffers
// cheaply, a limit of not quite three times what lives spares the rest, and so small a young
// generation is not worth waking helpers for (npm run bench -- throughput shows all three). Twice
// what lives costs a third more with eight streams; four times spares nothing more, and memory then
// grows for a quarter of an hour until it is reached (npm run chaos).
setFlagsFromString('--semi-space-growth-factor=1')
setFlagsFromString('--heap-growing-percent=175')
setFlagsFromString('--no-parallel-scavenge')

if (major > 24 || (major === 24 && minor >= 12)) {
  try {
    const { main } = await import('./program.ts')
    process.exitCode = await main(process.argv)
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    const folder = new URL('..', import.meta.url).pathname
    process.stderr.write(`✗ Packages are missing: npm ci, in ${folder}\n  ${error.message}\n`)
    process.exitCode = 1
  }
} else {
  const { node } = process.versions
  process.stderr.write(
    `✗ Sallyport needs Node.js 24.12 or newer; this is ${node} (node_too_old).\n` +
      '  In a checkout, npm ci brings a newer one along, and bin/sallyport runs on it.\n',
  )
  process.exitCode = 1
}
