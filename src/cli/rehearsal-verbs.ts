// Verbs that start machines, with clients for what runs in them.
export { boxCommand } from './box.ts'
export { rehearseCommand } from './rehearse.ts'
export { swapMachineCommand } from './swap-machine.ts'
