import type { Answer, Handling } from '../../../src/kit/simulate.ts'
import { type GroupKept, moved, nameOn, type Pair, replaced, type Side } from './pair.ts'
import { printed } from './print.ts'

const ok = (stdout = ''): Answer => ({ stdout, code: 0 })
/** Like the real one: the complaint goes to the error stream, and the exit status says nothing. */
const no = (why: string): Answer => ({ stdout: '', stderr: `Error: ${why}\n`, code: 0 })
const reading = (run: () => Answer): Handling => ({ changes: false, run })

type Verb = 'start' | 'stop' | 'sync' | 'switchover'

/** The InForm CLI of one array of the pair. */
export function commandsOf(pair: Pair, side: Side): (words: readonly string[]) => Handling {
  const print = printed(pair, side)
  const find = (name: string): GroupKept | undefined => pair.read().groups.find(one => nameOn(side, one, pair.read()) === name)
  const groups = (name: string | undefined): Answer => {
    if (name === undefined) return ok(print.groups(pair.read().groups))
    const group = find(name)
    return group ? ok(print.groups([group])) : { ...no(`group matching ${name} does not exist`), stdout: print.groups([]) }
  }
  return words => {
    const [command = '', ...rest] = words
    switch ([command, ...rest].join(' ')) {
      case 'showrcopy':
        return reading(() => ok(print.remoteCopy()))
      case 'showrcopy targets':
        return reading(() => ok(print.targets()))
      case 'showrcopy links':
        return reading(() => ok(print.links()))
      case 'showsys':
        return reading(() => ok(print.system()))
      case 'showversion':
        return reading(() => ok(print.version()))
      case 'showvlun -a':
        return reading(() => ok(print.hostPaths()))
      case 'showport -rcip':
        return reading(() => ok(print.rcipPorts()))
      case 'shownode -state':
        return reading(() => ok(print.nodes()))
      case 'shownode -ps':
        return reading(() => ok(print.powerSupplies()))
      case 'showwsapi':
        return reading(() => ok(print.webApi()))
      case 'showtask':
        return reading(() => ok(print.tasks()))
    }
    const name = rest.at(-1) ?? ''
    const options = rest.slice(0, -1).join(' ')
    if (command === 'showrcopy' && rest[0] === 'groups' && rest.length <= 2) return reading(() => groups(rest[1]))
    if (command === 'showvlun' && options === '-a -host') return reading(() => ok(print.hostPaths(name)))
    if (command === 'startrcopygroup' && options === '') return change('start', name)
    if (command === 'stoprcopygroup') return options === '-f' ? change('stop', name) : asking(`stop ${name}`)
    if (command === 'syncrcopy' && options === '') return change('sync', name)
    if (command === 'setrcopygroup' && rest[0] === 'switchover')
      return options.includes('-f') ? change('switchover', name) : asking(`switch ${name} over`)
    return reading(() => ({ stdout: '', stderr: `${command}: invalid command name or options\n`, code: 1 }))
  }

  function change(verb: Verb, name: string): Handling {
    return {
      changes: true,
      run: accept => {
        const group = find(name)
        if (!group) return no(`group matching ${name} does not exist`)
        const next = moved(group, verb, side, pair.now())
        if (!next)
          return no(
            `${verb} is not possible: group ${name} is ${group.primary === side ? 'Primary' : 'Secondary'}, ${group.status}`,
          )
        accept()
        const task = verb === 'switchover' ? { id: 2_570 + pair.read().tasks.length, started: pair.now() } : undefined
        pair.change(kept => ({
          ...replaced(kept, next),
          tasks: task
            ? [...kept.tasks, { ...task, type: 'remote_copy_swover', group: name, side, ended: task.started }]
            : kept.tasks,
        }))
        return ok(
          task
            ? `setrcopygroup for switchover ${name}\nswitchover started with tasks: ${task.id}\nWaiting for tasks to complete\nTask ${task.id} done\n`
            : '',
        )
      },
    }
  }
}

/** Without -f the array asks, and reads the end of its input instead of an answer. */
const asking = (what: string): Handling =>
  reading(() => ({ stdout: `Are you sure you want to ${what}?\nselect q=quit y=yes n=no: `, code: 1 }))
