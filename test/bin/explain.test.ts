/** Tests that every code has its page, and that a word which is none is told so. */
import test from 'ava'
import { explanationOf, explanations } from '../../bin/explain.ts'
import { type FaultCode, faults } from '../../shared/protocol/fault.ts'

const codes = Object.keys(faults) as FaultCode[]

test('docs/errors.md has a section for each code, in the order of the list, and no other', (t) => {
  t.deepEqual([...explanations().keys()], codes)
})

test('each section opens with the sentence of its code', (t) => {
  for (const code of codes) {
    const [heading, blank, says] = explanationOf(code).split('\n')
    t.deepEqual([heading, blank, says], [code, '', faults[code].says])
  }
})

test('each section says the cause, where to look and what to do next, in this order', (t) => {
  for (const code of codes) {
    const labels = [...explanationOf(code).matchAll(/^(\w+): \S/gm)].map(([, label]) => label)
    t.deepEqual(labels, ['Cause', 'Look', 'Next'], code)
  }
})

test('a section is as wide as a terminal bears it', (t) => {
  for (const code of codes) {
    const widest = Math.max(
      ...explanationOf(code)
        .split('\n')
        .map((line) => line.length),
    )
    t.true(widest <= 100, `${code}: ${widest}`)
  }
})

test('a word that is no code names the one that was meant', (t) => {
  const error = t.throws(() => explanationOf('portinuse'))
  t.is(
    error.message,
    '"portinuse" is no code. Did you mean "port_in_use"?  See all: sallyport explain',
  )
})
