/** One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  readonly id: number
  /** major:minor, the same for every mount of one file system. */
  readonly device: string
  /** The directory of the file system that is mounted here. */
  readonly root: string
  readonly target: string
  readonly options: readonly string[]
  readonly type: string
  /** Options of the file system itself, whatever this mount adds. */
  readonly superOptions: readonly string[]
}

/** Parses /proc/PID/mountinfo. */
export function parseMountinfo(text: string): Mount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ')
      const [id = '', , device = '', root = '', target = '', options = ''] = before.split(' ')
      return {
        id: Number(id),
        device,
        root: decodeOctal(root),
        target: decodeOctal(target),
        options: options.split(','),
        type: after.split(' ')[0] ?? '',
        superOptions: (after.split(' ').at(-1) ?? '').split(','),
      }
    })
}

/** Blanks and backslashes are written as three octal digits. */
function decodeOctal(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** The mount a path lies on: the last one mounted on its longest prefix. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  let found: Mount | undefined
  for (const mount of mounts) {
    const prefix = mount.target === '/' ? '/' : `${mount.target}/`
    if (path !== mount.target && !path.startsWith(prefix)) continue
    if (!found || mount.target.length >= found.target.length) found = mount
  }
  return found
}
