# Words that every sentence may use. A rule that can only begin with a free word is a role: a refusal calls it by its name,
# so `target` is shown as <target> and `powerpath_level` as <level>.

target   -> %name                       {% ([it]) => v.target(it) %}
run      -> %run                        {% ([it]) => it.value.toUpperCase() %}
step     -> %step                       {% ([it]) => it.text %}
name     -> %name                       {% ([it]) => it.value %}
text     -> %quoted                     {% ([it]) => it.value %}
reason   -> %quoted                     {% ([it]) => v.reason(it) %}
because  -> "because" reason            {% ([, why]) => why %}
# Behind a change: the number of its ticket, for one; in an emergency the calendar is not asked, and the glass is broken with it.
why      -> because                     {% ([because]) => ({ because }) %}
          | "in" "an" "emergency" because {% ([, , , because]) => ({ because, emergency: true }) %}

number   -> %number                     {% ([it]) => Number(it.value) %}
count    -> %count                      {% ([it]) => Number(it.value) %}
percent  -> %percent                    {% ([it]) => v.share(Number.parseFloat(it.value)) %}
          | %number "%"                 {% ([it]) => v.share(Number(it.value)) %}
          | %number "percent"           {% ([it]) => v.share(Number(it.value)) %}

# 10TB, 512KiB, 10 TB: bytes
size     -> %size                       {% ([it]) => v.measured(it, v.size) %}
          | %number %size_unit          {% ([n, unit]) => v.size(Number(n.value), unit.value) %}

# 50Mb/s is bits, 100MB/s is bytes: bytes per second
rate     -> %rate                       {% ([it]) => v.measured(it, v.rate) %}
          | %number %rate_unit          {% ([n, unit]) => v.rate(Number(n.value), unit.value) %}

# 2h, 2 h, 90 min, 1h30m, 1 h 30 min: milliseconds
duration -> span                        {% ([a]) => v.duration(a) %}
          | span span                   {% ([a, b]) => v.duration([...a, ...b]) %}
span     -> %span                       {% ([it]) => v.span(it) %}
          | %number %time_unit          {% ([n, unit]) => [[Number(n.value), unit.value]] %}

# 02:00, sat 02:00
time     -> %clock                      {% ([clock]) => v.time(clock) %}
          | %day %clock                 {% ([day, clock]) => v.time(clock, day) %}

# 22:00: minutes of the day
clock    -> %clock                      {% ([it]) => v.minuteOfDay(it) %}

# #C0ABC123, #storage-ops
channel  -> %channel                    {% ([it]) => it.value %}
# vmax-*
pattern  -> %pattern                    {% ([it]) => v.pattern(it) %}
# Europe/Berlin
zone     -> %zone                       {% ([it]) => v.zone(it) %}

wwn      -> %wwn                        {% ([it]) => it.text.replaceAll(':', '') %}
devnum   -> %devnum                     {% ([it]) => it.value.toUpperCase() %}
disk     -> %disk                       {% ([it]) => it.value %}
device   -> %device                     {% ([it]) => it.value %}
path     -> %path                       {% ([it]) => it.value %}
# K7QX-92MF
code     -> %code                       {% ([it]) => it.value.toUpperCase() %}
# slack:U0000ANN1
handle   -> %handle                     {% ([it]) => it.value %}
