import { run } from '../host/local.ts'

/** Brings everything of the file system that holds a path to disk (sync(1), --file-system). */
export async function syncFileSystem(path: string): Promise<void> {
  await run('sync', ['--file-system', path])
}
