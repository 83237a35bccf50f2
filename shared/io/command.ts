/**
 * A command that runs a process on its configuration file: what `relay` and `agent` have in common.
 *
 * Invariant: standard output is data (`--schema`, `--print`), standard error is talk; whatever is
 * wrong is thrown as a fault, and the program alone ends the process.
 */
import { Command, Option } from 'commander'
import { type Option as ConfigOption, optionsOf } from './config/options.ts'
import type { JsonSchema } from './config/schema.ts'
import type { ConfigSource } from './config.ts'

/** What makes one such command. */
export interface ConfigCommand<Config> {
  readonly name: string
  readonly description: string
  /** Shown first in the help: examples are read, options are looked up. */
  readonly examples: string
  /** The file that is read when no other is named. */
  readonly file: string
  readonly schema: JsonSchema
  readonly load: (source: ConfigSource) => Config
  readonly describe: (config: Config) => string
  /** What `--check` says of a good file: `2 services, 3 rules`. */
  readonly summary: (config: Config) => string
  readonly run: (config: Config, source: ConfigSource) => Promise<void>
}

/** The command, ready to be added to a program. */
export function configCommand<Config>(spec: ConfigCommand<Config>): Command {
  const options = optionsOf(spec.schema)
  const command = new Command(spec.name)
    // What follows a subcommand is its own: `agent init --name` is not `agent --name`.
    .enablePositionalOptions()
    .description(spec.description)
    .addHelpText('before', spec.examples)
    .option('--config <file>', 'the configuration', spec.file)
    .option('--check', 'check the configuration and exit')
    .option('--print', 'with --check: print what holds, and where each value comes from')
    .option('--schema', 'print the JSON Schema of the configuration and exit')
  for (const { flag, description, variable } of options) {
    command.addOption(new Option(`${flag} <value>`, `${description} (${variable})`))
  }
  return command.action(async () => await act(spec, options, command))
}

async function act<Config>(
  spec: ConfigCommand<Config>,
  options: readonly ConfigOption[],
  command: Command,
): Promise<void> {
  const { config: file, check, print, schema } = command.opts()
  if (schema === true) {
    process.stdout.write(`${JSON.stringify(spec.schema, undefined, 2)}\n`)
    return
  }
  const source = { file, env: process.env, flags: valuesOf(options, command) }
  const config = spec.load(source)
  if (check !== true) return await spec.run(config, source)
  if (print === true) process.stdout.write(spec.describe(config))
  process.stderr.write(`${file} ok: ${spec.summary(config)}\n`)
}

/** `1 service`, `2 services`: a count for a summary. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** The flags that were given, by the names that the configuration has for them. */
function valuesOf(options: readonly ConfigOption[], command: Command): Record<string, string> {
  const values: Record<string, string> = {}
  for (const { name, flag } of options) {
    const option = command.options.find(({ long }) => long === flag)
    const value: unknown = option && command.getOptionValue(option.attributeName())
    if (typeof value === 'string') values[name] = value
  }
  return values
}
