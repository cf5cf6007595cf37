/** Options that tell what a kernel was built by, not what is in it. */
const toolchain = /^(CC|GCC|CLANG|LD|LLD|AS|RUSTC?|BINDGEN|PAHOLE|TOOLS)_/

/** Options that two kernels' configurations set differently, each as `NAME (n → m)`; one that isn't there is `n`. */
export function configurationDifference(before: string, after: string): string[] {
  const [was, is] = [before, after].map(parseConfiguration)
  const names = [...new Set([...was!.keys(), ...is!.keys()])].sort()
  return names.flatMap((name) => {
    const [old, now] = [was, is].map((options) => options!.get(name) ?? 'n')
    return old === now || toolchain.test(name) ? [] : [`${name} (${old} → ${now})`]
  })
}

function parseConfiguration(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^CONFIG_(\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]))
}
