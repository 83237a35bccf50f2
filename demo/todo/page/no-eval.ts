/**
 * Tells zod to make no code from strings, which the page's policy forbids anyway.
 *
 * Invariant: it is imported before whatever makes a schema.
 */
import { config } from 'zod'

config({ jitless: true })
