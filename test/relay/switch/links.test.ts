/** The links of all agents: which is the best one, and what is counted for an agent. */
import test from 'ava'
import { RelayLink } from '../../../relay/switch/link.ts'
import { Links } from '../../../relay/switch/links.ts'
import { helloOf } from '../../../shared/protocol/greeting.ts'
import { Board } from '../../support/board.ts'

const session = 's'.repeat(16)

function link(lane: number, isUp = true, identity = 'agent/a'): RelayLink {
  const hello = helloOf({ epoch: 'e'.repeat(16), session, attempt: 1, alive: [], lane })
  const made = new RelayLink(identity, hello, session)
  made.port.up = isUp
  return made
}

test('an agent counts once, however many lanes it has', (t) => {
  const links = new Links()
  for (const one of [link(0), link(1), link(0, true, 'agent/b')]) links.add(one)
  t.deepEqual([links.agents, links.all.size, links.of('agent/a').length], [2, 3, 2])
  t.deepEqual(links.of('agent/c'), [])
})

test('a link takes the place of the one on its lane', (t) => {
  const links = new Links()
  const [old, other, fresh] = [link(0), link(1), link(0)]
  for (const one of [old, other]) links.add(one)
  links.delete(old)
  links.add(fresh)
  t.deepEqual(links.of('agent/a'), [other, fresh])
  links.delete(old)
  t.is(links.all.size, 2, 'what is gone is not taken out again')
})

test('the best link is one that is up; without one it is any that is waited for', (t) => {
  const links = new Links()
  t.is(links.best('agent/a'), undefined)
  const [down, up] = [link(0, false), link(1)]
  links.add(down)
  t.is(links.best('agent/a'), down)
  links.add(up)
  t.is(links.best('agent/a'), up)
})

test('when its last link goes, the agent is forgotten', (t) => {
  const links = new Links()
  const only = link(0)
  links.add(only)
  links.delete(only)
  t.deepEqual([links.agents, links.all.size], [0, 0])
})

test('streams of all links are counted', (t) => {
  const { acceptor, opener } = new Board().routed()
  const links = new Links()
  links.add(acceptor.link)
  links.add(opener.link)
  t.is(links.streamsOf('agent/plant-1'), 1)
  t.is(links.streamsOf('agent/nobody'), 0)
})
