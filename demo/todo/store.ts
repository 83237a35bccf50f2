/**
 * The state of the todo server on disk: one file, whole at any time.
 *
 * Invariant: the file is replaced by one rename after its successor is on the disk, so a process
 * that is killed, whenever it is, leaves the old state or the new one.
 */
import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { Fault } from '../../shared/protocol/fault.ts'
import { emptyState, type TodoState } from './authority.ts'
import { clientIdSchema, deviceSchema, listSchema } from './contract.ts'

const fileSchema = z.object({
  version: z.literal(1),
  list: listSchema,
  numbers: z.array(z.tuple([clientIdSchema, z.int().min(0)])),
  devices: z.array(deviceSchema),
  clicks: z.array(z.tuple([clientIdSchema, z.array(z.string())])),
})

export class Store {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /**
   * What was saved last; the empty state when nothing ever was. Throws `file_unreadable` when there
   * is something else: it is left for a person to look at, and never overwritten.
   */
  async load(): Promise<TodoState> {
    const text = await this.#read()
    if (text === undefined) return emptyState
    try {
      const { list, numbers, devices, clicks } = fileSchema.parse(JSON.parse(text))
      const known = devices.map(({ itemId, ...device }) =>
        itemId === undefined ? device : { ...device, itemId },
      )
      return { list, numbers: new Map(numbers), devices: known, clicks: new Map(clicks) }
    } catch (cause) {
      const message = `${this.#file} is not a list that was saved here: move it away, or repair it`
      throw new Fault('file_unreadable', message, { cause })
    }
  }

  /**
   * Saves a state; resolves when it survives a loss of power. Not to be called at once twice.
   * Throws `file_unwritable`; then the last state is still there.
   */
  async save({ list, numbers, devices, clicks }: TodoState): Promise<void> {
    const content = { version: 1, list, numbers: [...numbers], devices, clicks: [...clicks] }
    try {
      await this.#replace(`${JSON.stringify(content)}\n`)
    } catch (cause) {
      const message = `${this.#file} cannot be written, so nobody is told of what has changed`
      throw new Fault('file_unwritable', message, { cause })
    }
  }

  async #replace(text: string): Promise<void> {
    const successor = `${this.#file}.new`
    await using file = await open(successor, 'w', 0o600)
    await file.writeFile(text)
    await file.datasync()
    await rename(successor, this.#file)
    await using folder = await open(dirname(this.#file), 'r')
    await folder.sync()
  }

  async #read(): Promise<string | undefined> {
    try {
      return await readFile(this.#file, 'utf8')
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
      throw new Fault('file_unreadable', `${this.#file} cannot be read`, { cause })
    }
  }
}
