# Linux hosts and their disks. The first way of saying a thing is its canonical one.
@{%
const linux_wish = (capability, target, params = {}) => ({ capability: `linux.${capability}`, target, params })
const linux_id = said =>
  /^\/dev\/disk\/by-id\/[A-Za-z0-9][A-Za-z0-9_.:-]{0,200}$/.test(said) || /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/.test(said)
    ? said
    : v.bad('The disk', 'the kernel gives names like /dev/sdb anew: say its volume id, its serial number, or a path below /dev/disk/by-id')
const linux_copy_name = said =>
  /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/.test(said) ? said : v.bad('The copy', 'its name has letters, digits, _ and - only, 40 at most')
%}

linux -> linux_read {% id %} | linux_change {% id %}

linux_read ->
    "show" "disks" "on" target          {% ([, , , host]) => linux_wish('disks', host) %}
  | "show" linux_one "on" target        {% ([, disk, , host]) => linux_wish('disk', host, { disk }) %}
  | "show" linux_copy "on" target       {% ([, copy, , host]) => linux_wish('copyState', host, { copy }) %}
  | "check" linux_one "on" target       {% ([, disk, , host]) => linux_wish('table', host, { disk }) %}
  | "check" "copy" "from" linux_disk "to" linux_disk "on" target
      {% ([, , , source, , target, , host]) => linux_wish('copyReady', host, { source, target }) %}

linux_change ->
    "set" linux_one "read" "only" "on" target
      {% ([, disk, , , , host]) => linux_wish('setReadOnly', host, { disk }) %}
  | "set" linux_one "read" "write" "on" target
      {% ([, disk, , , , host]) => linux_wish('setReadWrite', host, { disk }) %}
  | "copy" linux_one "to" linux_disk "as" linux_copy "on" target
      {% ([, source, , target, , copy, , host]) => linux_wish('copy', host, { source, target, copy }) %}
  | "overwrite" linux_one "with" linux_one "as" linux_copy "on" target
      {% ([, target, , source, , copy, , host]) => linux_wish('overwrite', host, { source, target, copy }) %}
  | "repair" "partition" "table" "of" linux_one "on" target
      {% ([, , , , disk, , host]) => linux_wish('repair', host, { disk }) %}
  | linux_verb linux_copy "on" target   {% ([verb, copy, , host]) => linux_wish(verb, host, { copy }) %}

linux_verb ->
    "stop"                              {% () => 'stopCopy' %}
  | "end"                               {% () => 'endCopy' %}
  | "verify"                            {% () => 'verify' %}
  | "clean" "up"                        {% () => 'cleanUp' %}

linux_one  -> "disk" linux_disk         {% ([, disk]) => disk %}
linux_copy -> "copy" linux_named        {% ([, copy]) => copy %}
linux_disk  -> device                   {% ([said]) => linux_id(said) %}
linux_named -> name                     {% ([said]) => linux_copy_name(said) %}
