import { socketInodes } from '../proc/descriptors.ts'
import { type InetSocket, tcpListen } from '../proc/inet-sockets.ts'
import { type Properties, showUnits } from '../tools/systemd.ts'
import { inetSockets } from '../workload/inet-tables.ts'

/** What hooks that are built in ask of the host: once for all the units that are looked at together. */
export class HostFacts {
  readonly #units: readonly string[]
  #properties?: Promise<ReadonlyMap<string, Properties>>
  #listeners?: readonly InetSocket[]

  constructor(units: readonly string[]) {
    this.#units = units
  }

  /** What systemd says of one of the units. */
  async unit(name: string): Promise<Properties> {
    this.#properties ??= this.#showAll()
    const properties = (await this.#properties).get(name)
    if (!properties) throw new Error(`internal error: nobody asked about ${name}`)
    return properties
  }

  /** TCP sockets of the host's network that these processes wait for connections at. */
  listeners(pids: readonly number[]): InetSocket[] {
    this.#listeners ??= inetSockets(process.pid).filter(
      ({ protocol, state }) => protocol === 'tcp' && state === tcpListen,
    )
    const held = new Set(pids.flatMap(socketInodes))
    return this.#listeners.filter(({ inode }) => held.has(inode))
  }

  async #showAll(): Promise<ReadonlyMap<string, Properties>> {
    const shown = await showUnits(this.#units, ['ActiveState', 'MainPID', 'ControlGroup', 'NRestarts'])
    return new Map(this.#units.map((unit, index) => [unit, shown[index]!]))
  }
}
