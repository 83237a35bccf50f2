/**
 * The page of the STOMP example, for a browser as it is.
 *
 * Invariant: the log says what the broker said: CONNECTED is written when its frame of that name
 * came, and never before.
 */
const { Client } = globalThis.StompJs

const at = (id) => document.getElementById(id)
const say = (line) => at('log').append(`${line}\n`)

at('location').value = `wss://${location.host}/stomp`

let client

at('connect').addEventListener('click', () => {
  void client?.deactivate()
  client = new Client({
    brokerURL: at('location').value,
    reconnectDelay: 0,
    onConnect: ({ headers }) => {
      say(`CONNECTED ${headers.server ?? ''} ${headers.version ?? ''}`)
      setConnected(true)
      client.subscribe(at('topic').value, ({ body }) => say(`MESSAGE ${body}`))
    },
    onStompError: ({ headers }) => say(`ERROR ${headers.message ?? ''}`),
    onWebSocketError: () => say('the WebSocket was refused'),
    onWebSocketClose: ({ code }) => {
      say(`closed, ${code}`)
      setConnected(false)
    },
  })
  client.activate()
})

at('disconnect').addEventListener('click', () => void client?.deactivate())

at('publish').addEventListener('click', () => {
  client?.publish({ destination: at('topic').value, body: at('message').value })
})

function setConnected(connected) {
  at('connect').disabled = connected
  at('disconnect').disabled = !connected
  at('publish').disabled = !connected
}
