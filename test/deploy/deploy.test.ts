/** Tests what is published for machines that run Sallyport, and for editors of its files. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { run } from '../support/process.ts'
import { entryPoint } from '../support/sallyport.ts'
import { repository } from '../support/sources.ts'

for (const name of ['relay', 'agent']) {
  test.serial(`deploy/${name}.schema.json is what sallyport ${name} --schema prints`, async (t) => {
    const printed = await run(process.execPath, [entryPoint, name, '--schema'])
    t.is(published(`${name}.schema.json`), printed)
  })

  test.serial(`deploy/sallyport-${name}.service runs the ${name}, and gives it little`, (t) => {
    const unit = published(`sallyport-${name}.service`)
    const settings = new Map(
      [...unit.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = '', value = '']) => [key, value]),
    )
    t.is(settings.get('ExecStart'), `/opt/sallyport/bin/sallyport ${name}`)
    t.is(settings.get('Restart'), 'always')
    t.is(settings.get('RestartPreventExitStatus'), '2', 'a wrong file must not loop')
    t.is(settings.get('User'), 'sallyport')
    t.is(settings.get('ProtectSystem'), 'strict')
    t.is(settings.get('NoNewPrivileges'), 'yes')
    const rights = name === 'relay' ? 'CAP_NET_BIND_SERVICE' : ''
    t.is(settings.get('CapabilityBoundingSet'), rights)
    t.is(settings.get('AmbientCapabilities') ?? '', rights)
  })
}

test.serial('the key of the authority is out of the reach of a relay that is a service', (t) => {
  t.regex(published('sallyport-relay.service'), /^InaccessiblePaths=-\S+\/pki\/ca\/key\.pem$/m)
})

function published(file: string): string {
  return readFileSync(join(repository, 'deploy', file), 'utf8')
}
