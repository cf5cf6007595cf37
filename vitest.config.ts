import { defineConfig } from 'vitest/config'

/** A hung test ends, a slow one doesn't: some start dozens of programs on a machine that has guests beside. */
const patient = {
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // What needs patience waits for what it needs; nothing is tried twice.
  expect: { poll: { timeout: 30_000 } },
}

export default defineConfig({
  test: {
    projects: [
      {
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], ...patient },
      },
      // With programs that not every host has, such as an OpenSSH server: where they may be, they are installed.
      {
        test: {
          name: 'programs',
          include: ['test/programs/**/*.test.ts'],
          globalSetup: ['test/programs/setup.ts'],
          ...patient,
        },
      },
      {
        test: {
          name: 'machine',
          include: ['test/machine/**/*.test.ts'],
          globalSetup: ['test/machine/setup.ts'],
          fileParallelism: false,
          // A hung machine ends the test, a slow one doesn't: software emulation drifts fivefold.
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
})
