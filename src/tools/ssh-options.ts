/**
 * What becomes of each option of OpenSSH's client (ssh_config(5), OpenSSH 9.2 to 10): `honoured` ones are read here, and
 * `irrelevant` ones decide nothing here. Any other, and whatever a later OpenSSH may know, is refused where its value isn't
 * OpenSSH's own: it may narrow whom to trust, or what to send.
 */
const treatments: Readonly<Record<'honoured' | 'irrelevant', readonly string[]>> = {
  honoured: [
    ...['hostname', 'port', 'user', 'addressfamily', 'bindaddress', 'proxyjump'],
    ...['globalknownhostsfile', 'userknownhostsfile', 'hostkeyalias', 'revokedhostkeys', 'requiredrsasize'],
    ...['hostkeyalgorithms', 'kexalgorithms', 'ciphers', 'macs', 'pubkeyacceptedalgorithms'],
    ...['identityfile', 'identitiesonly', 'identityagent', 'batchmode', 'preferredauthentications'],
    ...['pubkeyauthentication', 'passwordauthentication'],
  ],
  irrelevant: [
    // OpenSSH has heeded them when it tells the others.
    ...['host', 'match', 'include', 'tag', 'ignoreunknown', 'canonicaldomains', 'canonicalizefallbacklocal'],
    ...['canonicalizehostname', 'canonicalizemaxdots', 'canonicalizepermittedcnames'],
    // Whatever they say, only a key that known_hosts has is accepted, no certificate is, and known_hosts stays as it is.
    ...[
      'stricthostkeychecking',
      'nohostauthenticationforlocalhost',
      'verifyhostkeydns',
      'casignaturealgorithms',
    ],
    ...['updatehostkeys', 'hashknownhosts', 'visualhostkey', 'fingerprinthash'],
    // Ways to log in that are not taken.
    ...['gssapiauthentication', 'gssapidelegatecredentials', 'gssapiclientidentity', 'gssapiserveridentity'],
    ...['gssapikeyexchange', 'gssapikexalgorithms', 'gssapirenewalforcesrekey', 'gssapitrustdns'],
    ...['hostbasedauthentication', 'hostbasedacceptedalgorithms', 'enablesshkeysign', 'certificatefile'],
    ...['kbdinteractiveauthentication', 'kbdinteractivedevices', 'pkcs11provider', 'securitykeyprovider'],
    ...['numberofpasswordprompts', 'addkeystoagent'],
    // Sessions that somebody sits at, and commands before and after ours.
    ...['requesttty', 'escapechar', 'enableescapecommandline', 'stdinnull', 'forkafterauthentication'],
    ...['sessiontype', 'remotecommand', 'localcommand', 'permitlocalcommand', 'sendenv', 'setenv'],
    ...['obscurekeystroketiming', 'channeltimeout', 'loglevel', 'logverbose', 'syslogfacility'],
    // Nothing is forwarded.
    ...['forwardagent', 'forwardx11', 'forwardx11timeout', 'forwardx11trusted', 'xauthlocation', 'tunnel'],
    ...[
      'tunneldevice',
      'dynamicforward',
      'localforward',
      'remoteforward',
      'gatewayports',
      'permitremoteopen',
    ],
    ...['clearallforwardings', 'exitonforwardfailure', 'streamlocalbindmask', 'streamlocalbindunlink'],
    // How the connection is kept, which is our own.
    ...[
      'compression',
      'connectionattempts',
      'connecttimeout',
      'controlmaster',
      'controlpath',
      'controlpersist',
    ],
    ...[
      'ipqos',
      'rekeylimit',
      'serveralivecountmax',
      'serveraliveinterval',
      'tcpkeepalive',
      'proxyusefdpass',
    ],
    ...['versionaddendum', 'warnweakcrypto'],
  ],
}

const known = new Set([...treatments.honoured, ...treatments.irrelevant])

/** Values by keyword in lower case, as `ssh -G` prints them: a line each. */
export type Options = ReadonlyMap<string, readonly string[]>

/** Parses what `ssh -G` prints. */
export function parseOptions(text: string): Options {
  const options = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [, keyword = '', value = ''] = /^(\S+) (.*)$/.exec(line) ?? []
    if (keyword !== '')
      options.set(keyword.toLowerCase(), [...(options.get(keyword.toLowerCase()) ?? []), value])
  }
  return options
}

/** An option that can't be honoured. */
export interface Unsupported {
  readonly keyword: string
  readonly value: string
}

/**
 * The options that are set to something which can't be honoured here.
 * @param defaults what OpenSSH says without any configuration
 */
export function unsupportedOptions(options: Options, defaults: Options): Unsupported[] {
  return [...options]
    .filter(([keyword, values]) => !known.has(keyword) && values.join('\n') !== 'none')
    .filter(([keyword, values]) => values.join('\n') !== defaults.get(keyword)?.join('\n'))
    .map(([keyword, values]) => ({ keyword, value: values.join(' ') }))
}
