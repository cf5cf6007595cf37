import type { Image } from '../../src/rehearsal/image.ts'
import { fetchPackages, type Selection } from '../../src/rehearsal/like/packages.ts'

/** Two small services of Debian's that the image doesn't have. */
export const foreignUnits = ['beanstalkd.service', 'ngircd.service'] as const

/** Fetches their packages into a folder. The first time, on a day, this wants a network. */
export function fetchForeignPackages(image: Image, folder: string): Promise<Selection> {
  const { 'older-stable': running, 'newest-backports': newest } = image.kernels
  const packages = ['beanstalkd', 'ngircd'].map((name) => ({ name, version: 'any', architecture: 'amd64' }))
  return fetchPackages(image, { packages, units: [], kernels: { running, newest } }, folder)
}
