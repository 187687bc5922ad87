# The sentences of the built-in runbooks. Each yields { kind: 'run', runbook, params }.

@{%
const failover_named = name =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name) ? name : v.bad('The machine', 'it is called as in the store: letters, digits and ._-')
const failover_size = type =>
  /^[a-z0-9-]{2,20}\.[a-z0-9-]{2,20}$/.test(type) ? type : v.bad('The type', 'an instance type is m5.large')
const migrate_file = name =>
  /^(\/[A-Za-z0-9_.:/-]{1,254}|[A-Za-z0-9_-][A-Za-z0-9_-]{0,60}(\.[A-Za-z0-9]{1,8}){1,2})$/.test(name)
    ? name
    : v.bad('The image', 'say the whole path of a file, from the / on, or the name of one in the folder for images, as in new0.img')
%}

runbooks -> migrate {% ([params]) => ({ kind: 'run', runbook: 'migrate', params }) %}
          | protect {% ([params]) => ({ kind: 'run', runbook: 'protect', params }) %}
          | failover {% id %}
          | shrink {% ([params]) => ({ kind: 'run', runbook: 'shrink', params }) %}

# Moves one PowerPath disk to another under a running host, or a disk of QEMU to an image or an NBD export; the kind of the target
# says which is meant. Options in any order, each at most once.
migrate -> "migrate" device "to" device "on" powerpath_target migrate_options
  {% ([, from, , to, , host, options]) => ({ host, from, to, ...options }) %}
          | "migrate" qemu_node "to" migrate_image "on" qemu_host migrate_paces
  {% ([, from, , image, , host, paces]) => ({ host, from, image, ...paces }) %}
          | "migrate" qemu_node "to" "nbd" qemu_where migrate_export "on" qemu_host migrate_paces
  {% ([, from, , , nbd, named, , host, paces]) => ({ host, from, nbd, ...named, ...paces }) %}
migrate_image    -> device              {% ([name]) => migrate_file(name) %}
migrate_export   -> null                {% () => ({}) %}
                  | "export" qemu_node  {% ([, named]) => ({ export: named }) %}
migrate_paces    -> null                {% () => ({}) %}
                  | migrate_speed       {% id %}
                  | migrate_soak        {% id %}
                  | migrate_speed migrate_soak {% ([a, b]) => ({ ...a, ...b }) %}
                  | migrate_soak migrate_speed {% ([a, b]) => ({ ...a, ...b }) %}
migrate_speed    -> "with" "speed" rate {% ([, , speed]) => ({ speed: qemu_bytes(speed) }) %}

migrate_options  -> null                {% () => ({}) %}
                  | migrate_throttle    {% id %}
                  | migrate_soak        {% id %}
                  | migrate_throttle migrate_soak {% ([a, b]) => ({ ...a, ...b }) %}
                  | migrate_soak migrate_throttle {% ([a, b]) => ({ ...a, ...b }) %}
migrate_throttle -> "with" "throttle" powerpath_level {% ([, , throttle]) => ({ throttle }) %}
migrate_soak     -> "soak" duration     {% ([, soak]) => ({ soak }) %}

# One more recovery point of a virtual machine.
protect -> "protect" vsphere_machine "on" failover_vcenter "to" failover_store
  {% ([, machine, , vcenter, , store]) => ({ machine, vcenter, store }) %}

# A copy of a machine comes up: beside it and out of its sight, or in its place.
failover -> "test" "failover" "of" failover_machine "from" failover_store "to" failover_cloud failover_type failover_keep
      {% ([, , , machine, , store, , cloud, type, keep]) =>
        ({ kind: 'run', runbook: 'test-failover', params: { machine, store, cloud, ...type, ...keep } }) %}
  | "fail" "over" failover_machine "from" failover_store "to" failover_cloud failover_type
      {% ([, , machine, , store, , cloud, type]) => ({ kind: 'run', runbook: 'fail-over', params: { machine, store, cloud, ...type } }) %}
failover_type    -> null                {% () => ({}) %}
                  | "as" name           {% ([, type]) => ({ type: failover_size(type) }) %}
failover_keep    -> null                {% () => ({}) %}
                  | "keep" duration     {% ([, keep]) => ({ keep }) %}
failover_machine -> name                {% ([name]) => failover_named(name) %}
failover_vcenter -> target              {% ([it]) => v.ofKind(it, 'vsphere') %}
failover_store   -> target              {% ([it]) => v.ofKind(it, 'blocksync') %}
failover_cloud   -> target              {% ([it]) => v.ofKind(it, 'aws') %}

# The boot disk of an instance on a smaller volume, through a helper that copies it.
shrink -> "shrink" "boot" "disk" "of" aws_server "to" size "on" failover_cloud "with" shrink_helper
  {% ([, , , , instance, , size, , cloud, , helper]) => ({ instance, size: aws_bytes(size), cloud, helper }) %}
shrink_helper    -> target              {% ([it]) => v.ofKind(it, 'linux') %}

# The runbooks as a sentence speaks of many of their runs; PLURALS in src/domain/follow.ts says it back.
runbooks_plural -> "migrations"         {% () => 'migrate' %}
                 | "protections"        {% () => 'protect' %}
                 | "drills"             {% () => 'test-failover' %}
                 | "failovers"          {% () => 'fail-over' %}
                 | "shrinks"            {% () => 'shrink' %}
