# The sentences of the built-in runbooks. Each yields { kind: 'run', runbook, params }.

runbooks -> migrate {% ([params]) => ({ kind: 'run', runbook: 'migrate', params }) %}

# Moves one PowerPath disk to another under a running host. Options in any order, each at most once.
migrate -> "migrate" device "to" device "on" powerpath_target migrate_options
  {% ([, from, , to, , host, options]) => ({ host, from, to, ...options }) %}
migrate_options  -> null                {% () => ({}) %}
                  | migrate_throttle    {% id %}
                  | migrate_soak        {% id %}
                  | migrate_throttle migrate_soak {% ([a, b]) => ({ ...a, ...b }) %}
                  | migrate_soak migrate_throttle {% ([a, b]) => ({ ...a, ...b }) %}
migrate_throttle -> "with" "throttle" powerpath_level {% ([, , throttle]) => ({ throttle }) %}
migrate_soak     -> "soak" duration     {% ([, soak]) => ({ soak }) %}

# The runbooks as a sentence speaks of many of their runs; PLURALS in src/domain/follow.ts says it back.
runbooks_plural -> "migrations"         {% () => 'migrate' %}
