import * as z from 'zod'
import { facets } from '../abi/facets/index.ts'
import { Failure } from '../errors.ts'
import { paths } from '../paths.ts'
import { complaintOfService } from '../tools/unit-name.ts'
import { readDropIns } from './drop-ins.ts'
import { complaint, keyName, lastOfEach, leavesOf, type Setting, settingsIn, tableOf } from './settings.ts'

// The descriptions are what kernelswap.toml(5) and the shipped file say.

/** What a swap does with a workload. */
export const policySchema = z.enum(['preserve', 'restart', 'ignore'])

/** What becomes of a unit that can't be carried: it refuses the swap, or is stopped before and started after. */
const refusedSchema = z.enum(['refuse', 'restart'])

/** What becomes of a unit that the landing could not restore: it starts cold, all go back to the old kernel, or all wait. */
export const onRestoreFailureSchema = z.enum(['cold', 'back', 'stop'])
export type OnRestoreFailure = z.infer<typeof onRestoreFailureSchema>
/** What becomes of a restored unit that verification finds damaged. */
export const onVerifyFailureSchema = z.enum(['keep', 'back', 'cold'])

/** A key that every name but a service's own is a mistake for: it would set nothing. */
const unitNameSchema = z.string().superRefine((name, context) => {
  const message = complaintOfService(name)
  if (message !== undefined) context.addIssue({ code: 'custom', message })
})

const facetNames = facets.map(({ name }) => name).sort()

/** A facet that nobody knows would tolerate nothing, and its difference would come as a surprise after the swap. */
const facetNameSchema = z.string().refine((name) => facetNames.includes(name), {
  error: `no such facet, expected one of ${facetNames.join(', ')}`,
})

const unitSchema = z.strictObject({
  policy: policySchema.optional().meta({
    description: '"preserve": carried; "restart": stopped before, started after; "ignore": left to its fate',
    examples: ['preserve'],
  }),
  refused: refusedSchema.optional().meta({
    description: 'the same as above for this unit',
    examples: ['restart'],
  }),
  'on-restore-failure': onRestoreFailureSchema.optional().meta({
    description:
      '"cold": start it afresh; "back": everything returns to the old kernel; "stop": everything waits for you',
    examples: ['cold'],
  }),
  'on-verify-failure': onVerifyFailureSchema.optional().meta({
    description:
      '"keep": a damaged unit runs on; "back": everything returns to the old kernel; "cold": start it afresh',
    examples: ['keep'],
  }),
  tolerate: z
    .record(facetNameSchema, z.string().min(1, 'expected a reason'))
    .optional()
    .meta({
      description: 'ABI facets that may differ, each with the reason why that is no harm',
      examples: [{ nice: 'a cron job renices it every minute' }],
    }),
})

/** A program by its absolute path, and its arguments: no shell reads them. */
export const commandSchema = z
  .tuple([z.string().startsWith('/', 'expected the absolute path of a program')], z.string())
  .optional()

/** They would be shown with the configuration, and with whatever goes wrong. */
function isWithoutCredentials(address: string): boolean {
  if (!URL.canParse(address)) return true
  const { username, password } = new URL(address)
  return username === '' && password === ''
}

const fleetLockSchema = z.strictObject({
  url: z
    .url({
      protocol: /^https?$/,
      error: 'expected the address of a lock server, such as "https://lock.example:8443"',
    })
    .refine(
      isWithoutCredentials,
      'expected an address without user and password, which no lock server is told',
    )
    .meta({
      description: 'address of the lock server; below it lie /v1/pre-reboot and /v1/steady-state',
      examples: ['https://lock.example:8443'],
    }),
  group: z
    .string()
    .regex(/^[a-zA-Z0-9.-]+$/, 'expected letters, digits, dots and dashes')
    .default('default')
    .meta({ description: 'hosts of one group wait for each other', examples: ['default'] }),
  id: z
    .string()
    .min(1, 'expected a name')
    .optional()
    .meta({
      description:
        'name of this host, unique in the group; derived from /etc/machine-id where it is not given',
      examples: ['web-1.example'],
    }),
})

/** The merged configuration. */
export const configurationSchema = z.strictObject({
  keep: z.int().min(0).describe('checkpoints and logs of this many earlier swaps stay; reports always do'),
  fallback: z
    .enum(['boot-loader', 'external'])
    .describe(
      '"boot-loader": GRUB or systemd-boot starts the old kernel if the new one panics; "external": something else does',
    ),
  'watchdog-seconds': z
    .int()
    .min(0)
    .max(3600)
    .describe('the hardware watchdog resets a new kernel that hangs for this long; 0 leaves it alone'),
  'freeze-timeout': z
    .int()
    .min(10)
    .max(86_400)
    .optional()
    .meta({
      description:
        'services stand still for this many seconds at the most before all is taken back, and again for verification behind the jump; five times what the plan expects, and 120 at least, where it is not given',
      examples: [300],
    }),
  refused: refusedSchema.describe(
    '"refuse": a unit that can not be carried refuses the swap; "restart": it is stopped before and started after',
  ),
  end: z
    .array(z.string().min(1, 'expected a name'))
    .describe(
      'what may end with the old kernel though something is lost by it: names as the plan shows them, "session", "container" or "unknown"; it is stopped in order before the jump',
    ),
  'on-success': commandSchema.meta({
    description:
      'program, by its absolute path, and arguments; it gets the report of a swap that went well on standard input, and the name of the report as an HTML file in KERNELSWAP_REPORT_HTML',
    examples: [['/usr/local/sbin/notify', 'kernel swapped']],
  }),
  'on-failure': commandSchema.meta({
    description: 'the same for a swap with any verdict but "swapped" or "restored"',
    examples: [['/usr/local/sbin/notify', '--urgent', 'look after this host']],
  }),
  'metrics-file': z
    .string()
    .regex(/^\/.*\.prom$/, 'expected an absolute path that ends in .prom')
    .optional()
    .meta({
      description:
        'gets metrics of the last swap, for the textfile collector of the Prometheus node exporter',
      examples: ['/var/lib/prometheus/node-exporter/kernelswap.prom'],
    }),
  'fleet-lock': fleetLockSchema
    .optional()
    .describe('hosts that share a FleetLock server swap one after the other'),
  unit: z.record(unitNameSchema, unitSchema).describe('settings of a unit'),
})
export type Configuration = z.infer<typeof configurationSchema>
export type FleetLockSettings = NonNullable<Configuration['fleet-lock']>

/** What holds where no file says otherwise. */
export const defaults: Configuration = {
  keep: 2,
  fallback: 'boot-loader',
  'watchdog-seconds': 240,
  refused: 'refuse',
  end: [],
  unit: {},
}

/** One file may leave out anything; what an optional key's default is, only the merged result knows. */
const dropInSchema = configurationSchema.partial().extend({
  'fleet-lock': fleetLockSchema.extend({ group: fleetLockSchema.shape.group.unwrap() }).partial().optional(),
})

/**
 * Reads and merges every drop-in: of two values for one key the later file's counts.
 * @throws Failure 'configuration' naming file, line and key, and what was expected.
 */
export async function loadConfiguration(
  directories: readonly string[] = paths.configuration,
): Promise<Configuration> {
  return merged(await loadSettings(directories))
}

/** The same, one by one, each with where it comes from; the defaults first. @throws as `loadConfiguration`. */
export async function loadSettings(directories: readonly string[] = paths.configuration): Promise<Setting[]> {
  const dropIns = await readDropIns(directories)
  const settings = lastOfEach([
    ...leavesOf(defaults).map((leaf) => ({ ...leaf, origin: undefined })),
    ...dropIns.flatMap((dropIn) => settingsIn(dropIn, dropInSchema)),
  ])
  merged(settings)
  return settings
}

function merged(settings: readonly Setting[]): Configuration {
  const checked = configurationSchema.safeParse({ ...defaults, ...(tableOf(settings) as object) })
  if (checked.success) return checked.data
  // Each file was checked by itself: what is wrong here is missing.
  const issue = checked.error.issues[0]!
  throw new Failure(
    'configuration',
    `${keyName(issue.path)}: ${complaint(issue, configurationSchema)}; say it in a file in ${paths.configuration[1]}.`,
    { cause: checked.error },
  )
}
