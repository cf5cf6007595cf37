import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const oomScoreAdj = facet({
  name: 'oom-score-adj',
  title: 'adjustment for the out-of-memory killer',
  manual: 'proc_pid_oom_score_adj(5)',
  scope: 'task',
  read: (task) => task.proc.text('oom_score_adj').trim(),
  compare: same(),
})
