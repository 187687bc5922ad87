# PowerPath multipathing (powermt) and Migration Enabler HostCopy (powermig). The first way of saying a thing is its canonical one.
@{%
// Share of time the copy may take at each throttle value, as the Migration Enabler guide lists it (powermig throttle).
const powerpath_shares = [100, 60, 36, 22, 13, 7.8, 4.7, 2.8, 1.7, 1.0]
const powerpath_table = powerpath_shares.map((share, level) => `${level} = ${share}%`).join(', ')
const powerpath_wish = (capability, target, params = {}) => ({ capability: `powerpath.${capability}`, target, params })
const powerpath_at = share => {
  const level = powerpath_shares.findIndex(it => Math.abs(it - share * 100) < 1e-9)
  return level < 0 ? v.bad('The throttle', `PowerPath has no ${Number((share * 100).toFixed(9))}%; its levels are ${powerpath_table}`) : level
}
const powerpath_digit = level =>
  level <= 9 ? level : v.bad('The throttle', `PowerPath has no level ${level}; its levels are ${powerpath_table}`)
%}

powerpath -> powerpath_read {% id %} | powerpath_change {% id %}

powerpath_read ->
    "show" "hbas" "on" target           {% ([, , , host]) => powerpath_wish('hbas', host) %}
  | "show" "paths" "on" target          {% ([, , , host]) => powerpath_wish('paths', host) %}
  | "show" "paths" "of" powerpath_disk "on" target
      {% ([, , , device, , host]) => powerpath_wish('pathsOf', host, { device }) %}
  | "show" "sessions" "on" target       {% ([, , , host]) => powerpath_wish('sessions', host) %}
  | "show" powerpath_on                 {% ([, on]) => powerpath_wish('session', on.host, { session: on.session }) %}
  | "show" "version" "of" "powerpath" "on" target
      {% ([, , , , , host]) => powerpath_wish('version', host) %}
  | "check" "migration" "from" powerpath_disk "to" powerpath_disk "on" target
      {% ([, , , source, , target, , host]) => powerpath_wish('preflight', host, { source, target }) %}
  | "check" "cutover" "of" powerpath_on {% ([, , , on]) => powerpath_wish('cutoverReady', on.host, { session: on.session }) %}

powerpath_change ->
    "set" "up" "migration" "from" powerpath_disk "to" powerpath_disk "on" target
      {% ([, , , , source, , target, , host]) => powerpath_wish('setup', host, { source, target }) %}
  | "throttle" powerpath_on "to" powerpath_level
      {% ([, on, , level]) => powerpath_wish('throttle', on.host, { session: on.session, level }) %}
  | "set" "throttle" "of" powerpath_on "to" powerpath_level
      {% ([, , , on, , level]) => powerpath_wish('throttle', on.host, { session: on.session, level }) %}
  | powerpath_verb powerpath_on         {% ([verb, on]) => powerpath_wish(verb, on.host, { session: on.session }) %}

powerpath_verb ->
    "sync"                              {% () => 'sync' %}
  | "start" "sync" "of"                 {% () => 'sync' %}
  | "pause"                             {% () => 'pause' %}
  | "resume"                            {% () => 'resume' %}
  | "select" "target" "of"              {% () => 'selectTarget' %}
  | "select" "source" "of"              {% () => 'selectSource' %}
  | "commit"                            {% () => 'commit' %}
  | "abort"                             {% () => 'abort' %}
  | "clean" "up"                        {% () => 'cleanup' %}

powerpath_on      -> "session" powerpath_session "on" target {% ([, session, , host]) => ({ session, host }) %}
powerpath_session -> count              {% id %}
powerpath_disk    -> device             {% id %}
powerpath_level   -> count              {% ([level]) => powerpath_digit(level) %}
                   | percent            {% ([share]) => typeof share === 'number' ? powerpath_at(share) : share %}
# For runbooks, whose sentence does not say of which kind its host is.
powerpath_target  -> target             {% ([named]) => v.ofKind(named, 'powerpath') %}
