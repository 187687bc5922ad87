# Hosts that move disks to a store and back. The first way of saying a thing is the canonical one.
@{%
const blocksync_wish = (capability, target, params = {}) => ({ capability: `blocksync.${capability}`, target, params })
const blocksync_id = name =>
  /^[A-Za-z0-9][A-Za-z0-9-]{0,39}$/.test(name)
    ? name
    : v.bad('The name of a sync', 'it has letters, digits and dashes, and 40 characters at most')
const blocksync_stored = name =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)
    ? name
    : v.bad('The name', 'in the store it has letters, digits and ._- and 100 characters at most')
const blocksync_from = where =>
  /^(\/|nbd:|nbd\+unix:)[^\0-\x1f\x7f"]{1,1000}$/.test(where)
    ? where
    : v.bad('The source', 'say a whole path, or an nbd: address')
const blocksync_whole = path =>
  /^\/[^\0-\x1f\x7f"]{1,1000}$/.test(path) ? path : v.bad('The file', 'say its whole path, from the / on')
const blocksync_moment = name =>
  /^[A-Za-z0-9_.:/\\=+,@ -]{1,400}$/.test(name) ? name : v.bad('The point', 'it has letters, digits, blanks and _.:/\\=+,@- only')
const blocksync_hash = name =>
  /^[0-9a-f]{64}$/i.test(name) ? name.toLowerCase() : v.bad('The digest', 'a SHA-256 has 64 digits and letters a to f')
const blocksync_number = n => (n >= 1 && n <= 99999999 ? n : v.bad('The set', 'sets are counted from 1'))
const blocksync_bytes = rate => (typeof rate !== 'number' ? rate : rate > 99999999999 ? v.bad('The rate', 'nothing is that fast') : Math.max(1, Math.round(rate)))
%}

blocksync -> blocksync_read {% id %} | blocksync_start {% id %} | blocksync_steer {% id %}

blocksync_read ->
    "show" blocksync_on                 {% ([, on]) => blocksync_wish('sync', on.host, { sync: on.sync }) %}
  | "show" "syncs" "on" target          {% ([, , , host]) => blocksync_wish('syncs', host) %}
  | "show" "recovery" "points" "of" blocksync_machine "on" target
      {% ([, , , , machine, , host]) => blocksync_wish('recoveryPoints', host, { machine }) %}
  | "show" "generations" "of" blocksync_disk "on" target
      {% ([, , , disk, , host]) => blocksync_wish('generations', host, { disk }) %}

blocksync_start ->
    "push" "disk" blocksync_disk "from" blocksync_source blocksync_changes blocksync_at "to" target "as" blocksync_sync
      {% ([, , disk, , source, changes, point, , host, , sync]) =>
        blocksync_wish('push', host, { disk, source, sync, ...v.given({ changes, point }) }) %}
  | "push" "order" blocksync_file blocksync_pinned "as" blocksync_sync "on" target
      {% ([, , order, digest, , sync, , host]) =>
        blocksync_wish('pushOrder', host, { order, sync, ...v.given({ digest }) }) %}
  | "pull" blocksync_set "as" blocksync_sync "on" target
      {% ([, set, , sync, , host]) => blocksync_wish('pull', host, { ...set, sync }) %}
  | "publish" blocksync_set "to" "ebs" "as" blocksync_sync "on" target
      {% ([, set, , , , sync, , host]) => blocksync_wish('publish', host, { ...set, sync }) %}
  | "verify" blocksync_disk "as" blocksync_sync "on" target
      {% ([, disk, , sync, , host]) => blocksync_wish('verify', host, { disk, sync }) %}

blocksync_set ->
    blocksync_machine                   {% ([machine]) => ({ machine }) %}
  | "set" count "of" blocksync_machine  {% ([, set, , machine]) => ({ machine, set: blocksync_number(set) }) %}

blocksync_changes ->
    null                                {% () => undefined %}
  | "with" "changes" blocksync_file     {% ([, , file]) => file %}
blocksync_at ->
    null                                {% () => undefined %}
  | "at" "point" blocksync_point        {% ([, , point]) => point %}
blocksync_pinned ->
    null                                {% () => undefined %}
  | "digest" blocksync_digest           {% ([, digest]) => digest %}

blocksync_steer ->
    blocksync_verb blocksync_on         {% ([verb, on]) => blocksync_wish(verb, on.host, { sync: on.sync }) %}
  | "limit" blocksync_on "to" blocksync_rate
      {% ([, on, , rate]) => blocksync_wish('limit', on.host, { sync: on.sync, rate }) %}

blocksync_verb ->
    "pause"                             {% () => 'pause' %}
  | "resume"                            {% () => 'resume' %}
  | "cancel"                            {% () => 'cancel' %}
  | "clean" "up"                        {% () => 'cleanup' %}
  | "halt"                              {% () => 'halt' %}
  | "tidy"                              {% () => 'tidy' %}

blocksync_rate ->
    rate                                {% ([rate]) => blocksync_bytes(rate) %}
  | "full"                              {% () => 0 %}

blocksync_on      -> blocksync_sync "on" target {% ([sync, , host]) => ({ sync, host }) %}
blocksync_sync    -> "sync" blocksync_name {% ([, name]) => name %}
blocksync_name    -> name               {% ([name]) => blocksync_id(name) %}
blocksync_machine -> name               {% ([name]) => blocksync_stored(name) %}
blocksync_disk    -> name               {% ([name]) => blocksync_stored(name) %}
blocksync_digest  -> name               {% ([name]) => blocksync_hash(name) %}
blocksync_source  -> device             {% ([where]) => blocksync_from(where) %}
                   | text               {% ([where]) => blocksync_from(where) %}
blocksync_file    -> device             {% ([path]) => blocksync_whole(path) %}
                   | text               {% ([path]) => blocksync_whole(path) %}
blocksync_point   -> device             {% ([name]) => blocksync_moment(name) %}
                   | text               {% ([name]) => blocksync_moment(name) %}
