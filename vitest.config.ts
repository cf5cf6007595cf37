import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        test: {
          name: 'machine',
          include: ['test/machine/**/*.test.ts'],
          globalSetup: ['test/machine/setup.ts'],
          fileParallelism: false,
          // A hung machine ends the test, a slow one doesn't: software emulation drifts fivefold.
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
})
