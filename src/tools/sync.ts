import { run } from '../host/local.ts'

/** Brings everything to disk (sync(1)). */
export async function syncAll(): Promise<void> {
  await run('sync', [])
}

/** Brings everything of the file system that holds a path to disk (sync(1), --file-system). */
export async function syncFileSystem(path: string): Promise<void> {
  await run('sync', ['--file-system', path])
}
