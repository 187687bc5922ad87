# vCenter and ESXi. The first way of saying a thing is its canonical one.
@{%
const vsphere_wish = (capability, target, params = {}) => ({ capability: `vsphere.${capability}`, target, params })
const vsphere_named = what => name =>
  /^[^\s\0-\x1f\x7f-\x9f"]([^\0-\x1f\x7f-\x9f"]{0,78}[^\s\0-\x1f\x7f-\x9f"])?$/.test(name)
    ? name
    : v.bad(what, 'vCenter takes at most 80 characters, and a blank at neither end')
const vsphere_task_id = name =>
  /^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/.test(name) ? name : v.bad('The task', 'say its id, for example task-86')
const vsphere_since = text => {
  const points = text.split(',').map(part => /^\s*([A-Za-z0-9][A-Za-z0-9_.-]{0,79}-\d{1,10})\s*=\s*([0-9A-Fa-f](?:[0-9A-Fa-f -]{0,62}[0-9A-Fa-f])?\/\d{1,15})\s*$/.exec(part))
  return points.every(Boolean)
    ? Object.fromEntries(points.map(([, disk, point]) => [disk, point]))
    : v.bad('The points', 'say each disk and where it stood: "web01-2000=52 de c0 ab/4, web01-2001=52 7e 11 20/9"')
}
%}

vsphere -> vsphere_read {% id %} | vsphere_change {% id %}

vsphere_read ->
    "show" "vms" "on" target            {% ([, , , vc]) => vsphere_wish('machines', vc) %}
  | "show" "vm" vsphere_machine "on" target
      {% ([, , machine, , vc]) => vsphere_wish('machine', vc, { machine }) %}
  | "show" "disks" "of" vsphere_machine "on" target
      {% ([, , , machine, , vc]) => vsphere_wish('disks', vc, { machine }) %}
  | "show" "snapshots" "of" vsphere_machine "on" target
      {% ([, , , machine, , vc]) => vsphere_wish('snapshots', vc, { machine }) %}
  | "check" "protection" "of" vsphere_machine "on" target
      {% ([, , , machine, , vc]) => vsphere_wish('protection', vc, { machine }) %}
  | "show" "tasks" "on" target          {% ([, , , vc]) => vsphere_wish('tasks', vc) %}
  | "show" "task" vsphere_task "on" target
      {% ([, , task, , vc]) => vsphere_wish('task', vc, { task }) %}
  | "list" "changes" "of" vsphere_machine "in" "snapshot" vsphere_snapshot vsphere_points "on" target
      {% ([, , , machine, , , snapshot, since, , vc]) => vsphere_wish('listChanges', vc, { machine, snapshot, since }) %}

vsphere_points ->
    null                                {% () => ({}) %}
  | "since" text                        {% ([, points]) => vsphere_since(points) %}

vsphere_change ->
    vsphere_track "change" "tracking" "of" vsphere_machine "on" target
      {% ([verb, , , , machine, , vc]) => vsphere_wish(verb, vc, { machine }) %}
  | "create" vsphere_quiesced "snapshot" vsphere_snapshot "of" vsphere_machine "on" target
      {% ([, quiesce, , snapshot, , machine, , vc]) => vsphere_wish('createSnapshot', vc, { machine, snapshot, quiesce }) %}
  | "remove" "snapshot" vsphere_snapshot "of" vsphere_machine "on" target
      {% ([, , snapshot, , machine, , vc]) => vsphere_wish('removeSnapshot', vc, { machine, snapshot }) %}
  | "drop" "snapshot" vsphere_snapshot "of" vsphere_machine "on" target
      {% ([, , snapshot, , machine, , vc]) =>
        vsphere_wish('dropSnapshot', vc, { machine, snapshot: /^signalbox-/.test(snapshot) || typeof snapshot !== 'string' ? snapshot : v.bad('The snapshot', 'the name of one that a copy was made from begins with signalbox-; `remove snapshot` removes any') }) %}
  | "consolidate" "disks" "of" vsphere_machine "on" target
      {% ([, , , machine, , vc]) => vsphere_wish('consolidate', vc, { machine }) %}
  | "power" "on" vsphere_machine "on" target
      {% ([, , machine, , vc]) => vsphere_wish('powerOn', vc, { machine }) %}
  | "power" "off" vsphere_machine "on" target
      {% ([, , machine, , vc]) => vsphere_wish('powerOff', vc, { machine }) %}
  | "shut" "down" "guest" "of" vsphere_machine "on" target
      {% ([, , , , machine, , vc]) => vsphere_wish('shutDown', vc, { machine }) %}
  | "cancel" "task" vsphere_task "on" target
      {% ([, , task, , vc]) => vsphere_wish('cancelTask', vc, { task }) %}

vsphere_track ->
    "enable"                            {% () => 'enableTracking' %}
  | "disable"                           {% () => 'disableTracking' %}

vsphere_quiesced ->
    null                                {% () => false %}
  | "quiesced"                          {% () => true %}

vsphere_machine ->
    name                                {% ([name]) => vsphere_named('The machine')(name) %}
  | text                                {% ([name]) => vsphere_named('The machine')(name) %}
vsphere_snapshot ->
    name                                {% ([name]) => vsphere_named('The snapshot')(name) %}
  | text                                {% ([name]) => vsphere_named('The snapshot')(name) %}
vsphere_task -> name                    {% ([name]) => vsphere_task_id(name) %}
