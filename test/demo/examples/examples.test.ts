/** Each example is played as a user would, and what it tells is there because it was so. */
import test from 'ava'
import { Consumer } from '../../../demo/examples/market.ts'
import { Child } from '../../support/process.ts'
import { testWith } from '../../support/program.ts'
import { entryPoint } from '../../support/sallyport.ts'

/** Plays it to its end; gives what it told. */
async function played(name: string): Promise<{ status: number | null; told: string }> {
  await using child = new Child(process.execPath, [entryPoint, 'demo', 'example', name])
  const { status } = await child.waitForExit(240_000)
  return { status, told: child.lines.join('\n') }
}

testWith('slapd')('ldap: binds and searches happen on premises', async (t) => {
  t.timeout(300_000)
  const { status, told } = await played('ldap')
  t.is(status, 0, told)
  t.regex(told, /✓ wrong password +refused by the directory/)
  t.regex(told, /✓ right password +accepted/)
  t.regex(told, /✓ search +found Ada Lovelace, buyer/)
  t.regex(told, /✓ secrets +not a single hash of a password was given out/)
})

test.serial('market: no quote is missing through three cuts', async (t) => {
  t.timeout(300_000)
  const { status, told } = await played('market')
  t.is(status, 0, told)
  t.regex(told, /✓ quotes +4,000 quotes through 3 cuts: no gap/)
})

test.serial('partners: none can pass for another', async (t) => {
  t.timeout(300_000)
  const { status, told } = await played('partners')
  t.is(status, 0, told)
  t.regex(told, /✓ other service +all six other pairs: denied_by_policy/)
  t.regex(told, /✓ other name +supplier-1's certificate is good for no other name: identity_/)
  t.regex(told, /✓ still there/)
})

test.serial('no example of this name', async (t) => {
  const { status, told } = await played('markt')
  t.is(status, 2)
  t.regex(told, /Allowed choices are ldap, market, partners.*\(usage\)/s)
})

const never = AbortSignal.any([])

test('the consumer of quotes sees a gap, a double and a wrong order', async (t) => {
  for (const [numbers, says] of [
    [[1, 2, 4], /quote 4 came instead of 3/],
    [[1, 2, 2], /quote 2 came instead of 3/],
    [[2], /quote 2 came instead of 1/],
    [[1, 3, 2], /quote 3 came instead of 2/],
  ] as const) {
    const consumer = new Consumer()
    for (const sequence of numbers) consumer.hear('feed', JSON.stringify({ sequence }))
    await t.throwsAsync(consumer.reaches(1, never), { message: says })
  }
  const consumer = new Consumer()
  for (const sequence of [1, 2, 3]) consumer.hear('feed', JSON.stringify({ sequence }))
  await t.notThrowsAsync(consumer.reaches(3, never))
})
