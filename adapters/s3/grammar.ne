# A bucket of S3. The first way of saying a thing is its canonical one.
@{%
const s3_wish = (capability, target, params = {}) => ({ capability: `s3.${capability}`, target, params })
const s3_plain = key =>
  /^(?! )(?!.* {2})[A-Za-z0-9!_.*'():/+=@,~ -]{1,900}$/.test(key) &&
  !key.endsWith(' ') &&
  key.split('/').every(part => part !== '.' && part !== '..')
    ? key
    : v.bad('The key', 'a sentence carries letters, digits, single spaces and !-_.*\'():/+=@,~ and no part that is . or ..')
const s3_path = path =>
  /^\/[A-Za-z0-9_.:/-]{1,254}$/.test(path) ? path : v.bad('The file', 'say its whole path, from the / on')
const s3_upload_id = id =>
  /^[A-Za-z0-9_.:/+=~-]{1,254}$/.test(id) ? id : v.bad('The id', 'say the one that "show uploads" says')
const s3_tag = etag => (/^[A-Za-z0-9-]{1,100}$/.test(etag) ? etag : v.bad('The etag', 'say it without its quotes'))
%}

s3 -> s3_read {% id %} | s3_change {% id %}

s3_read ->
    "show" "bucket" "on" target         {% ([, , , on]) => s3_wish('bucket', on) %}
  | "show" "objects" "on" target        {% ([, , , on]) => s3_wish('objects', on) %}
  | "show" "objects" "under" s3_key "on" target
      {% ([, , , prefix, , on]) => s3_wish('objects', on, { prefix }) %}
  | "show" "object" s3_key "on" target  {% ([, , key, , on]) => s3_wish('object', on, { key }) %}
  | "check" "object" s3_key "on" target {% ([, , key, , on]) => s3_wish('checkObject', on, { key }) %}
  | "show" "uploads" "on" target        {% ([, , , on]) => s3_wish('uploads', on) %}

s3_change ->
    "upload" s3_file "to" s3_key "on" target
      {% ([, file, , key, , on]) => s3_wish('upload', on, { file, key }) %}
  | "download" s3_key "to" s3_file "on" target
      {% ([, key, , file, , on]) => s3_wish('download', on, { file, key }) %}
  | "delete" "object" s3_key "on" target
      {% ([, , key, , on]) => s3_wish('deleteObject', on, { key }) %}
  | "delete" "object" s3_key "with" "etag" s3_etag "on" target
      {% ([, , key, , , etag, , on]) => s3_wish('deleteObject', on, { key, etag }) %}
  | "abort" "upload" s3_id "of" s3_key "on" target
      {% ([, , id, , key, , on]) => s3_wish('abortUpload', on, { id, key }) %}
  | "create" "bucket" "on" target       {% ([, , , on]) => s3_wish('createBucket', on) %}
  | "enable" "versioning" "on" target   {% ([, , , on]) => s3_wish('enableVersioning', on) %}
  | "suspend" "versioning" "on" target  {% ([, , , on]) => s3_wish('suspendVersioning', on) %}

s3_key  -> device                       {% ([key]) => s3_plain(key) %}
         | text                         {% ([key]) => s3_plain(key) %}
s3_id   -> device                       {% ([id]) => s3_upload_id(id) %}
         | text                         {% ([id]) => s3_upload_id(id) %}
s3_etag -> name                         {% ([etag]) => s3_tag(etag) %}
s3_file -> path                         {% ([path]) => s3_path(path) %}
