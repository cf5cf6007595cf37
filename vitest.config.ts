import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      // Many of them look at live processes, which a busy machine may hold up just then.
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          globalSetup: ['test/unit/setup.ts'],
          // A hung test ends, a slow one doesn't: some start dozens of programs on a machine that has guests beside.
          testTimeout: 60_000,
          retry: 2,
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
