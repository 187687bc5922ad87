/** What help and the reference say about the bot's own sentences. Every example is parsed by a test. */
export interface Explained {
  readonly topic: string
  readonly summary: string
  readonly examples: readonly string[]
}

export const COMMANDS: readonly Explained[] = [
  {
    topic: 'approve',
    summary: 'Open a gate of a run, of the step that is named if there is more than one; the digest says which plan you saw',
    examples: [
      'approve R7',
      'approve R7 cutover',
      'approve R7 cutover because "the database is quiet"',
      'approve R7 cutover as 3fa9c1d2e0',
    ],
  },
  {
    topic: 'confirm',
    summary: 'Say that something was done by hand',
    examples: ['confirm R7 cluster-pinned', 'confirm R7 cluster-pinned because "CHG0041"'],
  },
  {
    topic: 'deny',
    summary: 'Close a gate: the run is held, and `retry` asks again',
    examples: ['deny R7 because "not before Friday"', 'deny R7 cutover'],
  },
  {
    topic: 'tell',
    summary: 'Settle a doubt that no device can settle: did the step take effect',
    examples: [
      'tell R7 setup happened because "the session is listed"',
      'tell R7 setup did not happen because "no session is listed"',
    ],
  },
  { topic: 'retry', summary: 'Try the failed step of a held run again', examples: ['retry R7', 'retry R7 setup'] },
  {
    topic: 'skip',
    summary: 'Go on without a step that failed, once that is approved',
    examples: ['skip R7 setup because "it was set up by hand"'],
  },
  {
    topic: 'roll back',
    summary: 'Undo what the run has done, newest first',
    examples: ['roll back R7', 'roll back R7 because "latency doubled"'],
  },
  {
    topic: 'give up',
    summary: 'End a run as it stands: what was done stays',
    examples: ['give up R7', 'give up R7 because "the array is being replaced"'],
  },
  {
    topic: 'cancel',
    summary: 'End a run that has changed nothing yet',
    examples: ['cancel R7', 'cancel R7 because "wrong disk"'],
  },
  {
    topic: 'pause',
    summary: 'Start no further step until the run is resumed',
    examples: ['pause R7', 'pause R7 because "backup window"', 'pause schedule S3'],
  },
  { topic: 'resume', summary: 'Go on with a paused run', examples: ['resume R7', 'resume schedule S3'] },
  {
    topic: 'show',
    summary: 'Show a run, all runs, or what there is',
    examples: [
      'show R7',
      'show runs',
      'show all runs',
      'show targets',
      'show chats',
      'show subscriptions',
      'show windows',
      'show schedules',
      'show links',
      'show reviews',
      'show policy change',
      'status',
    ],
  },
  { topic: 'chart', summary: 'Draw how far a run has come, and how fast, over time', examples: ['chart R7'] },
  {
    topic: 'home',
    summary: 'What waits for you, what runs, and what ran lately',
    examples: ['what waits for me', 'home'],
  },
  {
    topic: 'watch',
    summary: 'Show a run here too, until it ends or nobody wants to see it any more',
    examples: ['watch R7', 'watch R7 here', 'stop watching R7', 'unwatch R7'],
  },
  {
    topic: 'subscribe',
    summary: 'Show every run of a kind in a channel too, from its beginning',
    examples: ['subscribe here to everything', 'subscribe here to migrations', 'subscribe #C0OPS to migrations on vmax-*'],
  },
  {
    topic: 'unsubscribe',
    summary: 'End the subscriptions of a channel, or one of them',
    examples: ['unsubscribe here', 'unsubscribe #C0OPS from migrations', 'unsubscribe here from everything'],
  },
  {
    topic: 'quiet',
    summary: 'Let what is followed in a channel ring for trouble only, between two times of each day',
    examples: ['quiet here from 22:00 to 07:00', 'quiet #C0OPS from 22:00 to 07:00 in Europe/Berlin', 'no quiet hours here'],
  },
  {
    topic: 'who',
    summary: 'Who may open the gates of a run',
    examples: ['who may approve R7', 'who could approve "migrate harddisk5 to harddisk14 on sql01"'],
  },
  {
    topic: 'what',
    summary: 'What you may do, or what can be done on one target',
    examples: ['what can I do', 'what can I do on sql01'],
  },
  {
    topic: 'estimate',
    summary: 'How long a copy takes, at a share of the line and with a share of it changed meanwhile',
    examples: ['estimate 4TB over 50Mb/s', 'estimate 4TB over 50Mb/s at 60% with 6.36% changed'],
  },
  {
    topic: 'break',
    summary: 'Open the gates of a run by the rule for emergencies, for a short while; a review of it stays open',
    examples: ['break glass for R7 because "array controller is failing, nobody of the storage leads answers"'],
  },
  {
    topic: 'close',
    summary: 'Close the review of a broken glass, as somebody who had no part in it',
    examples: ['close review of R7 because "looked through it with Ann, the gates were right, the phone list was not"'],
  },
  { topic: 'refresh', summary: 'Read the facts of the open gates of a run again, now', examples: ['refresh R7'] },
  { topic: 'report', summary: 'The change record of a run, as a file that a change ticket can take', examples: ['report R7'] },
  {
    topic: 'freeze',
    summary: 'Let nothing be changed on some targets: by name, by a label such as production, or everything',
    examples: ['freeze production until mon 08:00 because "quarter end"', 'freeze vmax-* for 2 h because "firmware"'],
  },
  { topic: 'thaw', summary: 'End a freeze before its time', examples: ['thaw production because "the books are closed"'] },
  {
    topic: 'every',
    summary:
      'Ask for a change by itself, again and again: who is late or busy then may `run`, `skip`, `queue` or `ring`, and a fleet is spread over a time',
    examples: [
      'every 15m protect web01 on vc01 to dr01',
      'every day at 02:00 in Europe/Berlin spread over 2h protect web01 on vc01 to dr01',
      'every sat at 02:00 if late skip if busy ring migrate harddisk5 to harddisk14 on sql01 because "CHG0041"',
    ],
  },
  {
    topic: 'at',
    summary: 'Ask for a change once, at the next such time',
    examples: [
      'at sat 02:00 migrate harddisk5 to harddisk14 on sql01',
      'at 22:00 in Europe/Berlin migrate harddisk5 to harddisk14 on sql01',
    ],
  },
  {
    topic: 'end',
    summary: 'End a schedule for good; what it began goes on',
    examples: ['end schedule S3', 'end schedule S3 because "the host is gone"'],
  },
  {
    topic: 'link',
    summary: 'Make this account yours, by a code that you carry to another one of yours and one that you carry back',
    examples: ['link me', 'link K7QX-92MF'],
  },
  {
    topic: 'unlink',
    summary: 'Let an account be nobody again',
    examples: ['unlink me', 'unlink slack:U0000ANN1 because "the phone was stolen"'],
  },
  {
    topic: 'policy',
    summary: 'What would come of a sentence, which rule decides, and what has to be approved by whom',
    examples: ['policy test "migrate harddisk5 to harddisk14 on sql01"', 'policy test "show paths on sql01" as vic'],
  },
  { topic: 'accept', summary: 'Let the changed policy of the site file hold, once it is approved', examples: ['accept policy'] },
  { topic: 'help', summary: 'All there is, or one thing', examples: ['help', 'help migrate'] },
]

export const RUNBOOKS: readonly Explained[] = [
  {
    topic: 'migrate',
    summary: 'Move one disk to another under a running host, with an approved cutover',
    examples: [
      'migrate harddisk5 to harddisk14 on sql01',
      'migrate harddisk5 to harddisk14 on sql01 with throttle 2',
      'migrate harddisk5 to harddisk14 on sql01 soak 2 h with throttle 36%',
      'migrate harddisk5 to harddisk14 on sql01 because "CHG0041"',
      'migrate harddisk5 to harddisk14 on sql01 in an emergency because "the array is failing"',
      'migrate disk0 to /srv/new0.img on vm01',
      'migrate disk0 to new0.img on vm01 with speed 50MB/s soak 2 h',
      'migrate disk0 to nbd 192.0.2.7:10809 export new0 on vm01',
    ],
  },
  {
    topic: 'protect',
    summary: 'One more recovery point of a virtual machine: a snapshot, what has changed since, and these blocks into the store',
    examples: [
      'protect web01 on vc01 to dr01',
      'protect web01 on vc01 to dr01 every 15m',
      'every 15m spread over 10m protect web01 on vc01 to dr01',
    ],
  },
  {
    topic: 'test',
    summary: 'Prove that a copy of a machine comes up: beside it, isolated, and cleaned up afterwards',
    examples: ['test failover of web01 from dr01 to aws01', 'test failover of web01 from dr01 to aws01 as m5.large keep 1h'],
  },
  {
    topic: 'fail',
    summary: 'Let a copy of a machine take its place, from its newest recovery point, once that is approved',
    examples: ['fail over web01 from dr01 to aws01', 'fail over web01 from dr01 to aws01 as m5.large because "site lost"'],
  },
  {
    topic: 'shrink',
    summary: 'Put the boot disk of an instance on a smaller volume, through a helper that copies it',
    examples: ['shrink boot disk of web02 to 40GB on aws01 with helper01'],
  },
]

/** The free words: the rule of grammars/words.ne, what it means, and examples that it reads. */
export const WORDS: readonly Explained[] = [
  { topic: 'target', summary: 'A device or host of the site file; letter case does not matter', examples: ['sql01', 'vmax-275'] },
  { topic: 'run', summary: 'A run', examples: ['R7', 'r12'] },
  { topic: 'step', summary: 'A step of a run', examples: ['cutover', 'cluster-pinned'] },
  {
    topic: 'reason',
    summary: 'In quotes; plain and typographic ones will do',
    examples: ['"the database is quiet"', "'CHG0041'"],
  },
  { topic: 'count', summary: 'A whole number', examples: ['4'] },
  { topic: 'percent', summary: 'A share from 0% to 100%', examples: ['40%', '6.36 %', '7.8 percent'] },
  { topic: 'size', summary: 'TB is 10^12 bytes and TiB 2^40; the spelling matters', examples: ['10TB', '512KiB', '1.5 TiB'] },
  {
    topic: 'rate',
    summary: 'A small b is bits, a capital B bytes; the spelling matters',
    examples: ['50Mb/s', '100MB/s', '10 Gb/s', '50Mbps'],
  },
  { topic: 'duration', summary: 'The largest unit first', examples: ['2h', '2 h', '90 min', '1h30m', '1 h 30 min', '3d'] },
  {
    topic: 'time',
    summary: 'A time of day, with or without the day of the week',
    examples: ['02:00', 'sat 02:00', 'Saturday 2:00'],
  },
  { topic: 'clock', summary: 'A time of day', examples: ['22:00', '7:30'] },
  { topic: 'code', summary: 'A code of a link, as the bot shows it', examples: ['K7QX-92MF'] },
  { topic: 'handle', summary: 'What a chat calls somebody', examples: ['slack:U0000ANN1', 'console:ann'] },
  { topic: 'zone', summary: 'A time zone, as the IANA list has it', examples: ['Europe/Berlin', 'UTC'] },
  {
    topic: 'channel',
    summary: 'A channel as its chat calls it, behind a #',
    examples: ['#C0ABC123', '#123456789012345678', '#storage-ops'],
  },
  { topic: 'pattern', summary: 'The names of targets: * stands for any characters', examples: ['vmax-*', '*-db*', 'sql01'] },
  {
    topic: 'wwn',
    summary: '16 or 32 hexadecimal digits, or pairs with colons',
    examples: ['50:06:04:82:d5:2e:69:79', '60000970000192601275533030333238'],
  },
  { topic: 'devnum', summary: 'A device of an array: 4 or 5 hexadecimal digits', examples: ['0720', '01A3F'] },
  {
    topic: 'disk',
    summary: 'A disk as its host calls it',
    examples: ['harddisk14', '\\\\.\\PHYSICALDRIVE2', 'emcpowera', '/dev/emcpowera1', 'hdiskpower3', 'c5t4d1'],
  },
  { topic: 'path', summary: 'A path on a device', examples: ['/vol/vol1', 'port5\\path0\\tgt4\\lun1'] },
]
