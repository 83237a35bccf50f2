/** A short run of chaos: every kind of fault, and nothing lost. The long ones are a command. */
import test from 'ava'
import { faultKinds } from './faults.ts'
import { runChaos } from './run.ts'

test('streams outlive one fault of each kind, relays killed and stopped among them', async (t) => {
  t.timeout(300_000)
  const turns = faultKinds.values()
  const { text, isClean } = await runChaos({
    faults: faultKinds.length,
    minutes: 4,
    relays: 2,
    next: () => {
      const { value } = turns.next()
      if (value === undefined) throw new Error('every kind has had its turn')
      return value
    },
    choose: (below) => Math.floor(below / 3),
    say: (line) => t.log(line),
  })
  t.true(isClean, text)
  for (const { name } of faultKinds) t.regex(text, new RegExp(`fault ${name} +1\\n`))
})
