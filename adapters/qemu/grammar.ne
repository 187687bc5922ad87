# QEMU and its storage daemon. The first way of saying a thing is its canonical one.
@{%
const qemu_wish = (capability, target, params = {}) => ({ capability: `qemu.${capability}`, target, params })
const qemu_id = name =>
  /^[A-Za-z][A-Za-z0-9_.-]{0,30}$/.test(name)
    ? name
    : v.bad('The name', 'QEMU takes a letter first, then letters, digits and _.- and 31 characters at most')
const qemu_file = path =>
  /^\/[A-Za-z0-9_.:/-]{1,254}$/.test(path) ? path : v.bad('The file', 'say its whole path, from the / on')
const qemu_address = where =>
  /^(\/[A-Za-z0-9_.:/-]{1,100}|[A-Za-z0-9][A-Za-z0-9.-]{0,253}:\d{1,5})$/.test(where)
    ? where
    : v.bad('The NBD server', 'say the path of its socket, or host:port')
const qemu_iqn = name =>
  /^(iqn\.\d{4}-\d{2}\.[a-z0-9.-]{1,100}(:[a-z0-9.:-]{1,100})?|eui\.[0-9a-f]{16}|naa\.[0-9a-f]{16,32})$/.test(name.toLowerCase())
    ? name.toLowerCase()
    : v.bad('The target', 'say its iSCSI name, like iqn.2026-01.lab:lunb')
const qemu_at = where =>
  /^[A-Za-z0-9][A-Za-z0-9.-]{0,253}:\d{1,5}$/.test(where) ? where : v.bad('The array', 'say host:port')
const qemu_bytes = rate => (typeof rate === 'number' ? Math.max(1, Math.round(rate)) : rate)
%}

qemu -> qemu_read {% id %} | qemu_job {% id %} | qemu_disk {% id %} | qemu_track {% id %}

qemu_read ->
    "show" "nodes" "on" target          {% ([, , , host]) => qemu_wish('nodes', host) %}
  | "show" "exports" "on" target        {% ([, , , host]) => qemu_wish('exports', host) %}
  | "show" "jobs" "on" target           {% ([, , , host]) => qemu_wish('jobs', host) %}
  | "show" qemu_on                      {% ([, on]) => qemu_wish('job', on.host, { job: on.job }) %}
  | "show" "bitmaps" "of" qemu_node "on" target
      {% ([, , , node, , host]) => qemu_wish('bitmaps', host, { node }) %}
  | "show" "block" "events" "on" target {% ([, , , , host]) => qemu_wish('events', host) %}
  | "show" "block" "devices" "on" target {% ([, , , , host]) => qemu_wish('devices', host) %}
  | "show" "version" "of" "qemu" "on" target
      {% ([, , , , , host]) => qemu_wish('version', host) %}
  | "show" "copy" "of" qemu_on          {% ([, , , on]) => qemu_wish('copy', on.host, { job: on.job }) %}
  | "check" "mirror" "from" qemu_node "to" qemu_node "on" target
      {% ([, , , source, , target, , host]) => qemu_wish('preflight', host, { source, target }) %}
  | "check" "cutover" "of" qemu_on      {% ([, , , on]) => qemu_wish('cutoverReady', on.host, { job: on.job }) %}

qemu_job ->
    "mirror" qemu_node "to" qemu_node "as" qemu_named qemu_limit qemu_writes "on" target
      {% ([, source, , target, , job, speed, writes, , host]) =>
        qemu_wish('mirror', host, { source, target, job, writes, ...v.given({ speed }) }) %}
  | "mirror" qemu_node "back" "to" qemu_node "as" qemu_named qemu_limit "on" target
      {% ([, source, , , target, , job, speed, , host]) =>
        qemu_wish('mirrorBack', host, { source, target, job, ...v.given({ speed }) }) %}
  | "set" "speed" "of" qemu_on "to" qemu_speed
      {% ([, , , on, , speed]) => qemu_wish('setSpeed', on.host, { job: on.job, speed }) %}
  | qemu_verb qemu_on                   {% ([verb, on]) => qemu_wish(verb, on.host, { job: on.job }) %}

qemu_limit ->
    null                                {% () => undefined %}
  | "with" "speed" rate                 {% ([, , rate]) => qemu_bytes(rate) %}

qemu_writes ->
    null                                {% () => 'blocking' %}
  | "in" "background"                   {% () => 'background' %}

qemu_speed ->
    rate                                {% ([rate]) => qemu_bytes(rate) %}
  | "full"                              {% () => 0 %}

qemu_verb ->
    "pause"                             {% () => 'pause' %}
  | "resume"                            {% () => 'resume' %}
  | "cancel"                            {% () => 'cancel' %}
  | "split"                             {% () => 'split' %}
  | "cut" "over"                        {% () => 'cutOver' %}
  | "roll" "back"                       {% () => 'rollBack' %}
  | "finish" "commit"                   {% () => 'finishCommit' %}
  | "clean" "up"                        {% () => 'dismiss' %}
  | "go" "on" "with"                    {% () => 'goOn' %}
  | "abandon"                           {% () => 'abandon' %}
  | "forget"                            {% () => 'forget' %}

qemu_disk ->
    "attach" qemu_format "file" qemu_path "as" qemu_node "on" target
      {% ([, format, , file, , node, , host]) => qemu_wish('attachFile', host, { file, node, format }) %}
  | "attach" "overlay" "file" qemu_path "as" qemu_node "over" qemu_node "on" target
      {% ([, , , file, , node, , over, , host]) => qemu_wish('attachFile', host, { file, node, format: 'overlay', over }) %}
  | "attach" "nbd" qemu_where "as" qemu_node "on" target
      {% ([, , where, , node, , host]) => qemu_wish('attachNbd', host, { where, node }) %}
  | "attach" "nbd" qemu_where "export" qemu_node "as" qemu_node "on" target
      {% ([, , where, , named, , node, , host]) => qemu_wish('attachNbd', host, { where, export: named, node }) %}
  | "attach" "iscsi" qemu_lun "as" qemu_node "on" target
      {% ([, , lun, , node, , host]) => qemu_wish('attachIscsi', host, { ...lun, node }) %}
  | "attach" "iscsi" qemu_lun "as" qemu_node "with" "account" qemu_account "on" target
      {% ([, , lun, , node, , , account, , host]) => qemu_wish('attachIscsi', host, { ...lun, node, account }) %}
  | "attach" "iscsi" qemu_lun "as" qemu_node "on" target "user" qemu_account
      {% ([, , lun, , node, , host, , account]) => qemu_wish('attachIscsi', host, { ...lun, node, account }) %}
  | "detach" "node" qemu_node "on" target
      {% ([, , node, , host]) => qemu_wish('detach', host, { node }) %}
  | "release" "node" qemu_node "on" target
      {% ([, , node, , host]) => qemu_wish('release', host, { node }) %}
  | "snapshot" qemu_node "into" qemu_node "on" target
      {% ([, node, , overlay, , host]) => qemu_wish('snapshot', host, { node, overlay }) %}
  | "commit" "overlay" qemu_node "as" qemu_named "on" target
      {% ([, , overlay, , job, , host]) => qemu_wish('commit', host, { overlay, job }) %}
  | "export" "node" qemu_node "as" qemu_node "on" target
      {% ([, , node, , named, , host]) => qemu_wish('exportNode', host, { node, export: named }) %}
  | "stop" "export" qemu_node "on" target
      {% ([, , named, , host]) => qemu_wish('stopExport', host, { export: named }) %}

qemu_lun ->
    qemu_target "lun" count "at" qemu_portal
      {% ([target, , lun, , portal]) => ({ target, lun, portal }) %}

qemu_format ->
    "raw"                               {% () => 'raw' %}
  | "qcow2"                             {% () => 'qcow2' %}
  | "overlay"                           {% () => 'overlay' %}

qemu_track ->
    "track" "changes" "of" qemu_node "in" "bitmap" qemu_bitmap "on" target
      {% ([, , , node, , , bitmap, , host]) => qemu_wish('addBitmap', host, { node, bitmap, persistent: false }) %}
  | "track" "changes" "of" qemu_node "in" "persistent" "bitmap" qemu_bitmap "on" target
      {% ([, , , node, , , , bitmap, , host]) => qemu_wish('addBitmap', host, { node, bitmap, persistent: true }) %}
  | qemu_alter "bitmap" qemu_bitmap "of" qemu_node "on" target
      {% ([verb, , bitmap, , node, , host]) => qemu_wish(verb, host, { node, bitmap }) %}
  | "freeze" qemu_node "into" qemu_node "as" qemu_named "with" "bitmap" qemu_bitmap qemu_after "on" target
      {% ([, node, , into, , job, , , bitmap, after, , host]) =>
        qemu_wish('freeze', host, { node, into, job, bitmap, ...v.given({ after }) }) %}

qemu_alter ->
    "disable"                           {% () => 'disableBitmap' %}
  | "clear"                             {% () => 'clearBitmap' %}
  | "remove"                            {% () => 'removeBitmap' %}

qemu_after ->
    null                                {% () => undefined %}
  | "after" qemu_bitmap                 {% ([, bitmap]) => bitmap %}

qemu_on     -> qemu_named "on" target   {% ([job, , host]) => ({ job, host }) %}
qemu_named  -> "job" qemu_job_name      {% ([, job]) => job %}
qemu_job_name -> name                   {% ([name]) => qemu_id(name) %}
qemu_node   -> name                     {% ([name]) => qemu_id(name) %}
qemu_bitmap -> name                     {% ([name]) => qemu_id(name) %}
qemu_path   -> path                     {% ([path]) => qemu_file(path) %}
qemu_where  -> device                   {% ([where]) => qemu_address(where) %}
qemu_target -> device                   {% ([name]) => qemu_iqn(name) %}
qemu_portal -> device                   {% ([where]) => qemu_at(where) %}
qemu_account -> name                    {% ([name]) => qemu_id(name) %}
# For runbooks, whose sentence does not say of which kind its host is.
qemu_host -> target                     {% ([named]) => v.ofKind(named, 'qemu') %}
