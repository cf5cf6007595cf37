import type { ProbeQuestions } from '../../../src/tools/probe.ts'

/** Nothing is asked, for a test to say what is. */
export const nothing: ProbeQuestions = {
  ...{
    threads: [],
    pipes: [],
    sockets: [],
    memfds: [],
    terminals: [],
    shared: [],
    pages: [],
    data: [],
    views: [],
  },
  strict: false,
}
