/**
 * `npm run bench`: what Sallyport costs, measured on the processes that users run.
 *
 * Invariant: standard output is the figures, standard error is talk. It exits with 0, with 1 when a
 * measurement went wrong, and with 2 for a wrong command line.
 */
import { parseArgs } from 'node:util'
import { detached } from './detached.ts'
import { throughput } from './throughput.ts'

const help = `Usage: npm run bench -- throughput [--megabytes N] [--rounds N]
       npm run bench -- detached [--streams N]

  throughput   bytes through relay and agent, beside a bare TLS pipe of two Node processes
               in about three minutes; what a host took a processor away from is done anew
  --megabytes  of each measurement (default 512)
  --rounds     measurements of each kind, of which the median is quoted (default 5)

  detached     memory of streams whose agent is away, and how they go on or end
  --streams    how many (default 10000; each takes two descriptors of this process' limit)
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    megabytes: { type: 'string', default: '512' },
    rounds: { type: 'string', default: '5' },
    streams: { type: 'string', default: '10000' },
    help: { type: 'boolean', short: 'h' },
  },
})
const [megabytes, rounds, streams] = [values.megabytes, values.rounds, values.streams].map(Number)
const isWrong = [megabytes, rounds, streams].some((value) => !(Number(value) > 0))
if (values.help === true) {
  process.stdout.write(help)
} else if (positionals.join() === 'throughput' && !isWrong) {
  await throughput(Number(megabytes), Number(rounds))
} else if (positionals.join() === 'detached' && !isWrong) {
  process.exitCode = (await detached(Number(streams))) ? 0 : 1
} else {
  process.stderr.write(help)
  process.exitCode = 2
}
