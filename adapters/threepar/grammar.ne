# HPE 3PAR, Primera and Alletra: remote copy and Peer Persistence. The first way of saying a thing is its canonical one.
@{%
const threepar_wish = (capability, target, params = {}) => ({ capability: `threepar.${capability}`, target, params })
%}

threepar -> threepar_read {% id %} | threepar_change {% id %}

threepar_read ->
    "show" threepar_what "on" target    {% ([, what, , array]) => threepar_wish(what, array) %}
  | "show" threepar_on                  {% ([, on]) => threepar_wish('group', on.array, { group: on.group }) %}
  | "show" "host" "paths" "of" threepar_host "on" target
      {% ([, , , , host, , array]) => threepar_wish('hostPathsOf', array, { host }) %}
  | "check" "switchover" "of" threepar_on
      {% ([, , , on]) => threepar_wish('switchoverReady', on.array, { group: on.group }) %}

threepar_what ->
    "remote" "copy"                     {% () => 'remoteCopy' %}
  | "remote" "copy" "groups"            {% () => 'groups' %}
  | "remote" "copy" "targets"           {% () => 'targets' %}
  | "remote" "copy" "links"             {% () => 'links' %}
  | "remote" "copy" "ports"             {% () => 'rcipPorts' %}
  | "host" "paths"                      {% () => 'hostPaths' %}
  | "system"                            {% () => 'system' %}
  | "version"                           {% () => 'version' %}
  | "nodes"                             {% () => 'nodes' %}
  | "power" "supplies"                  {% () => 'powerSupplies' %}
  | "web" "api"                         {% () => 'webApi' %}
  | "tasks"                             {% () => 'tasks' %}

threepar_change ->
    threepar_verb threepar_on           {% ([verb, on]) => threepar_wish(verb, on.array, { group: on.group }) %}

threepar_verb ->
    "start"                             {% () => 'start' %}
  | "stop"                              {% () => 'stop' %}
  | "sync"                              {% () => 'sync' %}
  | "switch" "over"                     {% () => 'switchover' %}
  | "switchover"                        {% () => 'switchover' %}

threepar_on    -> "remote" "copy" "group" threepar_group "on" target {% ([, , , group, , array]) => ({ group, array }) %}
threepar_group -> name                  {% id %}
threepar_host  -> name                  {% id %}
