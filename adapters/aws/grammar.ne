# EC2 and EBS. The first way of saying a thing is its canonical one.
@{%
const aws_wish = (capability, target, params = {}) => ({ capability: `aws.${capability}`, target, params })
const aws_id = (prefix, what, hex = '[0-9a-z]') => name =>
  new RegExp(`^${prefix}-${hex}{1,40}$`).test(name) ? name : v.bad(what, `EC2's ids begin with ${prefix}-`)
const aws_volume_id = aws_id('vol', 'The volume')
const aws_snapshot_id = aws_id('snap', 'The snapshot')
const aws_image_id = aws_id('ami', 'The image')
const aws_exact_id = aws_id('i', 'The instance', '[0-9a-f]')
const aws_like = (pattern, what, why) => text => (pattern.test(text) ? text : v.bad(what, why))
const aws_device_name = aws_like(
  /^(?:\/dev\/)?(?:sd[a-z]|xvd[a-z]{1,2}|hd[a-z])\d{0,2}$/, 'The device', 'EC2 takes /dev/sdf and the like'
)
const aws_zone_name = aws_like(/^[a-z0-9-]{3,40}$/, 'The zone', 'an availability zone is eu-west-1a')
const aws_type_name = aws_like(/^[a-z0-9-]{2,20}\.[a-z0-9-]{2,20}$/, 'The type', 'an instance type is m5.large')
const aws_image_name = aws_like(/^[A-Za-z0-9][A-Za-z0-9_.-]{2,127}$/, 'The name', 'it has 3 to 128 letters, digits and _.-')
const aws_source_name = aws_like(
  /^s3:\/\/[a-z0-9][a-z0-9.-]{0,62}\/[A-Za-z0-9_.:\/-]{1,512}$/, 'The image', 'say s3://bucket/key'
)
const aws_task_name = aws_like(/^import-(?:ami|snap|i)-[0-9a-z]{1,40}$/, 'The import', 'its id begins with import-ami-')
const aws_subnet_id = aws_id('subnet', 'The subnet')
const aws_group_id = aws_id('sg', 'The security group')
const aws_resource_id = aws_like(/^(?:i|vol|snap|ami)-[0-9a-z]{1,40}$/, 'What is tagged', 'say its id: i-, vol-, snap- or ami-')
const aws_key_name = aws_like(/^(?!aws:)[A-Za-z0-9]/i, 'The tag', 'those that begin with aws: belong to AWS')
const aws_volume_kind = aws_like(/^(?:gp2|gp3|io1|io2|st1|sc1|standard)$/, 'The type of the volume', 'say gp3, io2, st1 ...')
const aws_bytes = size => (typeof size === 'number' ? Math.max(1, Math.round(size)) : size)
%}

aws -> aws_read {% id %} | aws_instance {% id %} | aws_volume {% id %} | aws_snapshot {% id %} | aws_image {% id %}

aws_read ->
    "show" "instances" "on" target            {% ([, , , at]) => aws_wish('instances', at) %}
  | "show" "instance" aws_server "on" target  {% ([, , instance, , at]) => aws_wish('instance', at, { instance }) %}
  | "show" "volumes" "on" target              {% ([, , , at]) => aws_wish('volumes', at) %}
  | "show" "volume" aws_disk "on" target      {% ([, , volume, , at]) => aws_wish('volume', at, { volume }) %}
  | "show" "snapshot" aws_snap "on" target    {% ([, , snapshot, , at]) => aws_wish('snapshot', at, { snapshot }) %}
  | "show" "images" "on" target               {% ([, , , at]) => aws_wish('images', at) %}
  | "show" "image" aws_ami "on" target        {% ([, , image, , at]) => aws_wish('image', at, { image }) %}
  | "show" "import" aws_task "on" target      {% ([, , task, , at]) => aws_wish('importTask', at, { task }) %}
  | "show" "import" "task" aws_task "on" target
      {% ([, , , task, , at]) => aws_wish('importTask', at, { task }) %}
  | "check" "shrink" "of" aws_server "to" size "on" target
      {% ([, , , instance, , size, , at]) => aws_wish('shrinkReady', at, { instance, size: aws_bytes(size) }) %}

aws_instance ->
    "stop" "instance" aws_server "on" target  {% ([, , instance, , at]) => aws_wish('stopInstance', at, { instance }) %}
  | "start" "instance" aws_server "on" target {% ([, , instance, , at]) => aws_wish('startInstance', at, { instance }) %}
  | "terminate" "instance" aws_exact "on" target
      {% ([, , instance, , at]) => aws_wish('terminateInstance', at, { instance }) %}
 | "discard" "test" "instance" aws_exact "on" target
      {% ([, , , instance, , at]) => aws_wish('discardTest', at, { instance }) %}
  | "set" "delete-on-termination" "of" aws_server "to" aws_yes "on" target
      {% ([, , , instance, , deletes, , at]) => aws_wish('setDeleteOnTermination', at, { instance, deletes }) %}
  | "tag" aws_resource "with" aws_key aws_value "on" target
      {% ([, resource, , key, value, , at]) => aws_wish('tag', at, { resource, key, value }) %}
  | "launch" aws_type "from" aws_ami "as" aws_server "in" aws_place "on" target
      {% ([, type, , image, , name, , place, , at]) => aws_wish('launch', at, { type, image, name, ...place }) %}

aws_place ->
    "isolated" "subnet" aws_with              {% ([, , group]) => ({ where: 'isolated', ...group }) %}
  | "production" "subnet" aws_with            {% ([, , group]) => ({ where: 'production', ...group }) %}
  | "subnet" aws_subnet aws_with              {% ([, subnet, group]) => ({ subnet, ...group }) %}
aws_with ->
    null                                      {% () => ({}) %}
  | "with" aws_group                          {% ([, group]) => ({ group }) %}
aws_yes -> "yes" {% () => true %} | "no" {% () => false %}
aws_value -> name {% id %} | text {% id %}

aws_volume ->
    "create" "volume" "of" size "in" "zone" aws_zone aws_as aws_like_volume aws_from_snapshot "on" target
      {% ([, , , size, , , zone, as, like, from, , at]) =>
        aws_wish('createVolume', at, { size: aws_bytes(size), zone, ...as, ...like, ...from }) %}
  | "attach" "volume" aws_disk "to" aws_server "as" aws_device "on" target
      {% ([, , volume, , instance, , device, , at]) => aws_wish('attachVolume', at, { volume, instance, device }) %}
  | "detach" "volume" aws_disk "from" aws_server "on" target
      {% ([, , volume, , instance, , at]) => aws_wish('detachVolume', at, { volume, instance }) %}
  | "delete" "volume" aws_disk "on" target
      {% ([, , volume, , at]) => aws_wish('deleteVolume', at, { volume, lastCopy: false }) %}
  | "delete" "volume" aws_disk "without" "a" "snapshot" "on" target
      {% ([, , volume, , , , , at]) => aws_wish('deleteVolume', at, { volume, lastCopy: true }) %}

aws_as ->
    null                                      {% () => ({}) %}
  | "as" aws_volume_type                      {% ([, type]) => ({ type }) %}
aws_like_volume ->
    null                                      {% () => ({}) %}
  | "like" aws_disk                           {% ([, like]) => ({ like }) %}
aws_from_snapshot ->
    null                                      {% () => ({}) %}
  | "from" aws_snap                           {% ([, snapshot]) => ({ snapshot }) %}

aws_snapshot ->
    "snapshot" "volume" aws_disk "on" target  {% ([, , volume, , at]) => aws_wish('snapshotVolume', at, { volume }) %}
  | "delete" "snapshot" aws_snap "on" target  {% ([, , snapshot, , at]) => aws_wish('deleteSnapshot', at, { snapshot }) %}

aws_image ->
    "register" aws_boot "image" aws_named "from" aws_snap aws_more aws_for "on" target
      {% ([, boot, , name, , snapshot, more, arch, , at]) =>
        aws_wish('registerImage', at, { name, snapshot, ...more, ...boot, ...arch }) %}
  | "discard" "test" "image" aws_ami "on" target
      {% ([, , , image, , at]) => aws_wish('discardTestImage', at, { image }) %}
  | "deregister" "image" aws_ami "on" target  {% ([, , image, , at]) => aws_wish('deregisterImage', at, { image }) %}
  | "import" aws_format "image" "from" aws_source "as" aws_named "on" target
      {% ([, format, , , source, , name, , at]) => aws_wish('importImage', at, { source, name, ...format }) %}
  | "cancel" "import" aws_task "on" target    {% ([, , task, , at]) => aws_wish('cancelImport', at, { task }) %}

aws_boot ->
    null                                      {% () => ({}) %}
  | "uefi"                                    {% () => ({ boot: 'uefi' }) %}
  | "legacy-bios"                             {% () => ({ boot: 'legacy-bios' }) %}
  | "uefi-preferred"                          {% () => ({ boot: 'uefi-preferred' }) %}
aws_more ->
    null                                      {% () => ({}) %}
  | "and" aws_snap                            {% ([, second]) => ({ second }) %}
  | "and" aws_snap "and" aws_snap             {% ([, second, , third]) => ({ second, third }) %}
  | "and" aws_snap "and" aws_snap "and" aws_snap
      {% ([, second, , third, , fourth]) => ({ second, third, fourth }) %}
aws_for ->
    null                                      {% () => ({}) %}
  | "for" "x86_64"                            {% () => ({ architecture: 'x86_64' }) %}
  | "for" "arm64"                             {% () => ({ architecture: 'arm64' }) %}
aws_format ->
    null                                      {% () => ({}) %}
  | aws_disk_format                           {% ([format]) => ({ format }) %}
aws_disk_format ->
    "raw"                                     {% () => 'raw' %}
  | "vmdk"                                    {% () => 'vmdk' %}
  | "vhd"                                     {% () => 'vhd' %}
  | "vhdx"                                    {% () => 'vhdx' %}
  | "ova"                                     {% () => 'ova' %}

aws_server      -> name                       {% ([it]) => it %}
aws_exact       -> name                       {% ([it]) => aws_exact_id(it) %}
aws_disk        -> name                       {% ([it]) => aws_volume_id(it) %}
aws_snap        -> name                       {% ([it]) => aws_snapshot_id(it) %}
aws_ami         -> name                       {% ([it]) => aws_image_id(it) %}
aws_task        -> name                       {% ([it]) => aws_task_name(it) %}
aws_resource    -> name                       {% ([it]) => aws_resource_id(it) %}
aws_key         -> name                       {% ([it]) => aws_key_name(it) %}
aws_type        -> name                       {% ([it]) => aws_type_name(it) %}
aws_zone        -> name                       {% ([it]) => aws_zone_name(it) %}
aws_volume_type -> name                       {% ([it]) => aws_volume_kind(it) %}
aws_subnet      -> name                       {% ([it]) => aws_subnet_id(it) %}
aws_group       -> name                       {% ([it]) => aws_group_id(it) %}
aws_named       -> name                       {% ([it]) => aws_image_name(it) %}
aws_device      -> device                     {% ([it]) => aws_device_name(it) %}
aws_source      -> device                     {% ([it]) => aws_source_name(it) %}
