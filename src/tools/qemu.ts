import { createInterface } from 'node:readline'
import * as z from 'zod'
import type { Background } from '../host/local.ts'

/** QEMU's control channel (QMP) on the standard streams of a QEMU started with `-qmp stdio`. */
export interface Qmp {
  /** Runs a command and returns what it answers. @throws if QEMU refuses it or ends before it answers. */
  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>
  /** Runs a command of the human monitor. @throws with whatever it prints: silence means success. */
  monitor(commandLine: string): Promise<void>
}

/** One line of the protocol. Events and the greeting carry none of these. */
const Message = z.object({
  id: z.number().optional(),
  return: z.unknown().optional(),
  error: z.object({ desc: z.string() }).optional(),
})

interface Pending {
  resolve(value: unknown): void
  reject(error: Error): void
}

/**
 * Opens the control channel of a running QEMU.
 * @throws if QEMU ends before it answers; its reasons are in its log.
 */
export async function openQmp(qemu: Background): Promise<Qmp> {
  const pending = new Map<number, Pending>()
  let lastId = 0
  let gone: string | null = null

  createInterface({ input: qemu.stdout }).on('line', (line) => settle(pending, line))
  // Its end is seen by `ended`; a write that comes too late must not end us.
  qemu.stdin.on('error', () => {})
  void qemu.ended.then((how) => {
    gone = how
    for (const waiting of pending.values()) waiting.reject(new Error(`QEMU ended (${how})`))
    pending.clear()
  })

  const execute: Qmp['execute'] = (command, args = {}) =>
    new Promise((resolve, reject) => {
      if (gone !== null) return reject(new Error(`QEMU has ended (${gone})`))
      const id = ++lastId
      pending.set(id, { resolve, reject })
      qemu.stdin.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`)
    })

  await execute('qmp_capabilities')
  return {
    execute,
    monitor: async (commandLine) => {
      const printed = String(await execute('human-monitor-command', { 'command-line': commandLine })).trim()
      if (printed !== '') throw new Error(`QEMU: ${commandLine}: ${printed}`)
    },
  }
}

function settle(pending: Map<number, Pending>, line: string): void {
  const message = Message.parse(JSON.parse(line))
  if (message.id === undefined) return
  const waiting = pending.get(message.id)
  pending.delete(message.id)
  if (message.error) waiting?.reject(new Error(`QEMU: ${message.error.desc}`))
  else waiting?.resolve(message.return)
}
