import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { startProbe } from '../../../src/tools/probe.ts'
import { stop } from '../workload/stopped-tasks.ts'
import { nothing } from './questions.ts'

/**
 * Sleeps again and again by nanosleep(2) itself, which tells of an interruption, and says how often it was cut short, whether
 * the signal that it blocks is pending still, and whether it has caught those that came while it was held.
 */
const sleeper = `
use strict;
use POSIX qw(:signal_h);
use Time::HiRes qw(time);
my $caught = 0;
$SIG{USR2} = sub { $caught++ };
sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGUSR1));
kill USR1 => $$;
$| = 1;
print "sleeps\\n";
my ($bad, $ends) = (0, 0);
$SIG{TERM} = sub { $ends = 1 };
until ($ends) {
  my $began = time;
  my $time = pack('qq', 0, 50_000_000);
  my $failed = syscall(35, $time, 0) < 0;
  # A handler may cut it short.
  $bad++ if !$failed && time - $began < 0.049;
}
my $pending = POSIX::SigSet->new;
sigpending($pending);
print join(' ', $bad, $pending->ismember(SIGUSR1), $caught), "\\n";
`

/** Strict mode makes tasks do system calls of its own: what they were in, and what was pending, must not suffer from it. */
test.runIf(process.arch === 'x64' && process.getuid?.() === 0)(
  'a task that was made to tell of itself goes on as if nothing had been',
  async () => {
    const task = spawn('perl', ['-e', sleeper], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface(task.stdout)[Symbol.asyncIterator]()
    expect((await lines.next()).value).toBe('sleeps')
    const pid = task.pid!
    for (let round = 1; round <= 5; round++) {
      await stop(pid)
      process.kill(pid, 'SIGUSR2')
      const { answers } = await (await startProbe()).ask({
        ...nothing,
        threads: [{ tid: pid, pid }],
        strict: true,
      })
      expect(answers.get(`ptrace ${pid}`)).toMatchObject({ deathSignal: '0', interval0: '0 0 0 0' })
      process.kill(pid, 'SIGCONT')
      await new Promise((resolve) => setTimeout(resolve, 120))
    }
    task.kill('SIGTERM')
    expect((await lines.next()).value).toBe('0 1 5')
    await once(task, 'exit')
  },
)
