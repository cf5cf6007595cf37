import { attempt, ProgramError } from '../host/local.ts'

/**
 * What directories take, in bytes, in their order (du(1), --bytes). One program looks at every file of all of them: a
 * checkpoint of many units has thousands. What is removed meanwhile takes nothing.
 */
export async function bytesBelow(directories: readonly string[]): Promise<number[]> {
  if (directories.length === 0) return []
  const args = ['--bytes', '--summarize', '--', ...directories]
  const ended = await attempt('du', args)
  const complaints = ended.stderr.split('\n').filter((line) => line !== '')
  if (ended.code !== 0 && !complaints.every((line) => line.endsWith(': No such file or directory')))
    throw new ProgramError('du', args, ended, `exit code ${ended.code}`)
  const lines = ended.stdout.split('\n').map((line) => line.split('\t'))
  const sizes = new Map(lines.map(([bytes, path]) => [path, Number(bytes)]))
  return directories.map((directory) => sizes.get(directory) ?? 0)
}
