# What the bot itself understands. Each alternative yields one Command of src/domain/command.ts.

commands -> commands_vote {% id %} | commands_run {% id %} | commands_show {% id %} | commands_follow {% id %} | commands_ask {% id %}
          | commands_schedule {% id %} | commands_glass {% id %} | commands_house {% id %} | commands_policy {% id %}

commands_vote ->
    "approve" run step:? commands_shown:? because:?
      {% ([, run, step, shown, because]) => ({ kind: 'vote', verdict: 'approve', ...v.given({ run, step, shown, because }) }) %}
  | "confirm" run step commands_shown:? because:?
      {% ([, run, step, shown, because]) => ({ kind: 'vote', verdict: 'approve', ...v.given({ run, step, shown, because }) }) %}
  | "deny" run step:? commands_shown:? because:?
      {% ([, run, step, shown, because]) => ({ kind: 'vote', verdict: 'deny', ...v.given({ run, step, shown, because }) }) %}
commands_shown -> "as" %digest          {% ([, it]) => it.text %}

commands_run ->
    "tell" run step commands_happened because
      {% ([, run, step, happened, because]) => ({ kind: 'tell', run, step, happened, because }) %}
  | "retry" run step:?                  {% ([, run, step]) => ({ kind: 'retry', ...v.given({ run, step }) }) %}
  | "skip" run step because             {% ([, run, step, because]) => ({ kind: 'skip', run, step, because }) %}
  | "roll" "back" run because:?         {% ([, , run, because]) => ({ kind: 'roll back', ...v.given({ run, because }) }) %}
  | "give" "up" run because:?           {% ([, , run, because]) => ({ kind: 'give up', ...v.given({ run, because }) }) %}
  | "cancel" run because:?              {% ([, run, because]) => ({ kind: 'cancel', ...v.given({ run, because }) }) %}
  | "pause" run because:?               {% ([, run, because]) => ({ kind: 'pause', ...v.given({ run, because }) }) %}
  | "resume" run because:?              {% ([, run, because]) => ({ kind: 'resume', ...v.given({ run, because }) }) %}
commands_happened -> "happened"         {% () => true %}
                   | "did" "not" "happen" {% () => false %}

commands_show ->
    "show" run                          {% ([, run]) => ({ kind: 'show run', run }) %}
  | "show" "runs"                       {% () => ({ kind: 'show runs', which: 'live' }) %}
  | "status"                            {% () => ({ kind: 'show runs', which: 'live' }) %}
  | "show" "all" "runs"                 {% () => ({ kind: 'show runs', which: 'all' }) %}
  | "show" "targets"                    {% () => ({ kind: 'show targets' }) %}
  | "show" "chats"                      {% () => ({ kind: 'show chats' }) %}
  | "show" "subscriptions"              {% () => ({ kind: 'show subscriptions' }) %}
  | "chart" run                         {% ([, run]) => ({ kind: 'chart', run }) %}

commands_glass ->
    "break" "glass" "for" run because   {% ([, , , run, because]) => ({ kind: 'break glass', run, because }) %}
  | "close" "review" "of" run because   {% ([, , , run, because]) => ({ kind: 'close review', run, because }) %}
  | "refresh" run                       {% ([, run]) => ({ kind: 'refresh', run }) %}
  | "report" run                        {% ([, run]) => ({ kind: 'report', run }) %}
  | "show" "reviews"                    {% () => ({ kind: 'show reviews' }) %}

# What the house itself remembers: freezes, and who is who.
commands_house ->
    "freeze" commands_scope commands_until because
      {% ([, scope, until, because]) => ({ kind: 'freeze', scope, until, because }) %}
  | "thaw" commands_scope because       {% ([, scope, because]) => ({ kind: 'thaw', scope, because }) %}
  | "show" "windows"                    {% () => ({ kind: 'show windows' }) %}
  | "link" "me"                         {% () => ({ kind: 'link me' }) %}
  | "link" code                         {% ([, code]) => ({ kind: 'link', code }) %}
  | "unlink" "me"                       {% () => ({ kind: 'unlink' }) %}
  | "unlink" handle because             {% ([, handle, because]) => ({ kind: 'unlink', handle, because }) %}
  | "show" "links"                      {% () => ({ kind: 'show links' }) %}
commands_scope -> pattern               {% id %}
commands_until -> "until" time          {% ([, until]) => until %}
                | "for" duration        {% ([, length]) => ({ for: length }) %}

# A change that is asked for by itself. How it is kept is said before it, for what is behind it belongs to the change.
commands_schedule ->
    "every" duration commands_manner change
      {% ([, every, manner, command]) => ({ kind: 'schedule', when: { every }, manner, command }) %}
  | "every" "day" "at" %clock commands_manner change
      {% ([, , , clock, manner, command]) => ({ kind: 'schedule', when: { ...v.time(clock), each: 'day' }, manner, command }) %}
  | "every" %day "at" %clock commands_manner change
      {% ([, day, , clock, manner, command]) => ({ kind: 'schedule', when: { ...v.time(clock, day), each: 'week' }, manner, command }) %}
  | "at" time commands_manner change
      {% ([, at, manner, command]) => ({ kind: 'schedule', when: { ...at, each: 'once' }, manner, command }) %}
  | protect "every" duration
      {% ([params, , every]) =>
        ({ kind: 'schedule', when: { every }, manner: {}, command: { kind: 'run', runbook: 'protect', params } }) %}
  | "pause" "schedule" schedule because:?
      {% ([, , schedule, because]) => ({ kind: 'pause schedule', schedule, ...v.given({ because }) }) %}
  | "resume" "schedule" schedule because:?
      {% ([, , schedule, because]) => ({ kind: 'resume schedule', schedule, ...v.given({ because }) }) %}
  | "end" "schedule" schedule because:?
      {% ([, , schedule, because]) => ({ kind: 'end schedule', schedule, ...v.given({ because }) }) %}
  | "show" "schedules"                  {% () => ({ kind: 'show schedules' }) %}
commands_manner      -> null            {% () => ({}) %}
                      | commands_manner commands_way {% ([said, more]) => v.joined(said, more) %}
commands_way         -> "in" zone       {% ([, zone]) => ({ zone }) %}
                      | "spread" "over" duration {% ([, , spread]) => ({ spread }) %}
                      | "if" "late" commands_late {% ([, , late]) => ({ late }) %}
                      | "if" "busy" commands_busy {% ([, , busy]) => ({ busy }) %}
commands_late        -> "run" {% () => 'run' %} | "skip" {% () => 'skip' %} | "ring" {% () => 'ring' %}
commands_busy        -> "skip" {% () => 'skip' %} | "queue" {% () => 'queue' %} | "ring" {% () => 'ring' %}
schedule             -> name            {% ([name]) => v.schedule(name) %}

commands_policy ->
    "policy" "test" text commands_as:?  {% ([, , sentence, by]) => ({ kind: 'policy test', sentence, ...v.given({ by }) }) %}
  | "who" "could" "approve" text        {% ([, , , sentence]) => ({ kind: 'who could approve', sentence }) %}
  | "show" "policy" "change"            {% () => ({ kind: 'show policy change' }) %}
  | "accept" "policy"                   {% () => ({ kind: 'accept policy' }) %}
commands_as -> "as" name                {% ([, name]) => name %}

commands_follow ->
    "watch" run "here":?                {% ([, run]) => ({ kind: 'watch', run }) %}
  | "stop" "watching" run "here":?      {% ([, , run]) => ({ kind: 'unwatch', run }) %}
  | "unwatch" run "here":?              {% ([, run]) => ({ kind: 'unwatch', run }) %}
  | "subscribe" commands_place "to" commands_runs commands_among:?
      {% ([, channel, , to, on]) => ({ kind: 'subscribe', to, ...v.given({ channel, on }) }) %}
  | "unsubscribe" commands_place commands_less:?
      {% ([, channel, from]) => ({ kind: 'unsubscribe', ...v.given({ channel, from }) }) %}
  | "quiet" commands_place "from" clock "to" clock commands_zone:?
      {% ([, channel, , from, , to, zone]) => ({ kind: 'quiet', ...v.given({ channel }), ...v.quietHours(from, to), zone: zone ?? 'UTC' }) %}
  | "no" "quiet" "hours" commands_place {% ([, , , channel]) => ({ kind: 'no quiet', ...v.given({ channel }) }) %}
commands_place       -> "here"          {% () => null %}
                      | channel         {% id %}
commands_runs        -> "everything"    {% () => '*' %}
                      | runbooks_plural {% id %}
commands_among       -> "on" pattern    {% ([, on]) => on %}
# Whoever wants to see nothing more means every subscription there, and not only that to everything.
commands_less        -> "from" "everything" {% () => null %}
                      | "from" runbooks_plural {% ([, from]) => from %}
commands_zone        -> "in" zone       {% ([, zone]) => zone %}

commands_ask ->
    "who" commands_may "approve" run    {% ([, , , run]) => ({ kind: 'who may approve', run }) %}
  | "what" "waits" "for" "me"           {% () => ({ kind: 'home' }) %}
  | "home"                              {% () => ({ kind: 'home' }) %}
  | "what" "can" "i" "do" commands_on:? {% ([, , , , target]) => ({ kind: 'what can I do', ...v.given({ target }) }) %}
  | "estimate" size "over" rate commands_assumed
      {% ([, size, , rate, assumed]) => ({ kind: 'estimate', size, rate, ...assumed }) %}
  | "help" commands_topic:?             {% ([, topic]) => ({ kind: 'help', ...v.given({ topic }) }) %}
commands_may         -> "may" {% id %} | "could" {% id %}
commands_on          -> "on" target     {% ([, target]) => target %}
commands_assumed     -> null            {% () => ({}) %}
                      | commands_utilisation {% id %}
                      | commands_changed {% id %}
                      | commands_utilisation commands_changed {% ([a, b]) => ({ ...a, ...b }) %}
                      | commands_changed commands_utilisation {% ([a, b]) => ({ ...a, ...b }) %}
commands_utilisation -> "at" percent    {% ([, utilisation]) => ({ utilisation }) %}
commands_changed     -> "with" percent "changed" {% ([, changed]) => ({ changed }) %}
# Three words at most: `help clean up session`
commands_topic       -> topic           {% id %}
                      | topic topic     {% words => words.join(' ') %}
                      | topic topic topic {% words => words.join(' ') %}
topic                -> %topic          {% ([it]) => it.text %}
