import type { Argument, Command, Option } from 'commander'

/** A verb as shells complete it. */
interface Verb {
  /** The words that lead to it behind `kernelswap`, each after a blank; '' for the program itself. */
  readonly words: string
  readonly inner: readonly { readonly name: string; readonly summary: string }[]
  readonly options: readonly Flag[]
  /** What its arguments are, where shells can list that. */
  readonly takes: keyof typeof sources | undefined
}

interface Flag {
  readonly long: string
  readonly description: string
  /** What its value is: something shells can list, anything else, or no value at all. */
  readonly value: Value | undefined
}

type Value = 'unit' | 'kernel' | 'other'

/** Shell commands that print what a value may be, a line each. */
const sources = {
  unit: "systemctl list-units --type=service --state=running --plain --no-legend --full 2>/dev/null | cut -d ' ' -f 1",
  kernel: "ls /boot 2>/dev/null | sed -n '/[.]old/d;s/^vmlinuz-//p'",
} as const satisfies Partial<Record<Value, string>>

function verbsOf(command: Command, words = ''): Verb[] {
  const help = command.createHelp()
  const inner = help.visibleCommands(command).filter((each) => each.name() !== 'help')
  return [
    {
      words,
      inner: inner.map((each) => ({ name: each.name(), summary: help.subcommandDescription(each) })),
      options: help.visibleOptions(command).map(flagOf),
      takes: command.registeredArguments.map(listedAs).find((kind) => kind !== undefined),
    },
    ...inner.flatMap((each) => verbsOf(each, `${words} ${each.name()}`)),
  ]
}

function listedAs(argument: Argument): Verb['takes'] {
  if (argument.name() === 'unit') return 'unit'
  return ['from', 'to'].includes(argument.name()) ? 'kernel' : undefined
}

function flagOf(option: Option): Flag {
  const name = /<(.*)>/.exec(option.flags)?.[1]
  const value =
    name === 'unit' ? 'unit' : name === 'version' ? 'kernel' : name === undefined ? undefined : 'other'
  return { long: option.long!, description: option.description, value }
}

/** Options of all verbs whose value is of a kind, each once. */
function flagsWith(verbs: readonly Verb[], value: Value): string[] {
  const flags = verbs.flatMap(({ options }) => options).filter((flag) => flag.value === value)
  return [...new Set(flags.map(({ long }) => long))]
}

/** `kernelswap` as bash loads it from /usr/share/bash-completion/completions. */
export function bashCompletion(program: Command): string {
  const verbs = verbsOf(program)
  const lists = verbs.map(({ words, inner, options, takes }) => {
    const names = [...inner.map(({ name }) => name), ...options.map(({ long }) => long)]
    const values = takes ? ` $(${sources[takes]})` : ''
    return `\t"${words}") list="${names.join(' ')}${values}" ;;`
  })
  return `# bash completion for kernelswap
_kernelswap() {
	local word verb= list= current=\${COMP_WORDS[COMP_CWORD]}
	for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case "$verb $word" in
		${knownWords(verbs)}) verb="$verb $word" ;;
		esac
	done
	case "\${COMP_WORDS[COMP_CWORD-1]}" in
	${flagsWith(verbs, 'kernel').join('|')}) verb=; list="$(${sources.kernel})" ;;
	${flagsWith(verbs, 'unit').join('|')}) verb=; list="$(${sources.unit})" ;;
	${flagsWith(verbs, 'other').join('|')}) return ;;
	*)
	case "$verb" in
${lists.join('\n')}
	esac ;;
	esac
	COMPREPLY=($(compgen -W "$list" -- "$current"))
}
complete -F _kernelswap kernelswap
`
}

/** `_kernelswap` as zsh loads it from its function path. */
export function zshCompletion(program: Command): string {
  const verbs = verbsOf(program)
  const lists = verbs.map(({ words, inner, options, takes }) => {
    const described = [
      ...inner.map(({ name, summary }) => quoted(`${name}:${summary}`)),
      ...options.map(({ long, description }) => quoted(`${long}:${description}`)),
    ]
    const values = takes ? `; compadd -- $(${sources[takes]})` : ''
    return `\t"${words}") list=(${described.join(' ')})${values} ;;`
  })
  return `#compdef kernelswap
local word verb=
local -a list
for word in \${words[2,CURRENT-1]}; do
	case "$verb $word" in
	${knownWords(verbs)}) verb="$verb $word" ;;
	esac
done
case "\${words[CURRENT-1]}" in
${flagsWith(verbs, 'kernel').join('|')}) compadd -- $(${sources.kernel}); return ;;
${flagsWith(verbs, 'unit').join('|')}) compadd -- $(${sources.unit}); return ;;
${flagsWith(verbs, 'other').join('|')}) _files; return ;;
esac
case "$verb" in
${lists.join('\n')}
esac
_describe kernelswap list
`
}

/** `kernelswap.fish` as fish loads it from its vendor_completions.d. */
export function fishCompletion(program: Command): string {
  const verbs = verbsOf(program)
  const lines = verbs.flatMap(({ words, inner, options, takes }) => {
    const when = `complete -c kernelswap -f -n 'test "(__kernelswap_verb)" = "${words}"'`
    return [
      ...inner.map(({ name, summary }) => `${when} -a ${name} -d ${quoted(summary)}`),
      ...options.map(({ long, description, value }) => {
        const source = value === undefined ? '' : value === 'other' ? ' -x' : ` -x -a ${fishSource(value)}`
        return `${when} -l ${long.slice(2)} -d ${quoted(description)}${source}`
      }),
      ...(takes ? [`${when} -a ${fishSource(takes)}`] : []),
    ]
  })
  return `# fish completion for kernelswap
function __kernelswap_verb
	set -l verb ''
	for word in (commandline -opc)[2..]
		switch "$verb $word"
			case ${knownWords(verbs).replaceAll('|', ' ')}
				set verb "$verb $word"
		end
	end
	echo $verb
end
${lines.join('\n')}
`
}

/** Fish quotes as POSIX shells do but for a quote itself. */
function fishSource(value: keyof typeof sources): string {
  return `"(${sources[value].replaceAll('"', '\\"')})"`
}

/** Patterns of all verbs, each with the blank that it begins with. */
function knownWords(verbs: readonly Verb[]): string {
  return verbs
    .filter(({ words }) => words !== '')
    .map(({ words }) => `"${words}"`)
    .join('|')
}

/** In single quotes, for bash, zsh and fish alike: none of our texts has a backslash. */
function quoted(text: string): string {
  return `'${text.replaceAll('\n', ' ').replaceAll("'", '’')}'`
}
