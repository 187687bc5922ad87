-- Times are milliseconds since 1970: what the log's hashes cover must come back exactly as it went in.
-- JSON is `json` and not `jsonb`: a device may answer with \u0000, which jsonb refuses, and the log keeps what was said.

-- The clock of record. Tests put one of their own in its place.
create function signalbox_now() returns timestamptz language sql volatile as 'select clock_timestamp()';
create function signalbox_millis() returns bigint language sql volatile return floor(extract(epoch from signalbox_now()) * 1000)::bigint;

create sequence run_numbers;

create table runs (
  id          text primary key,               -- 'R' and the number
  number      bigint not null unique,
  origin      text not null unique,           -- the chat message that asked; twice the same, once the run
  place       json not null,                  -- where to answer
  seq         integer not null default 0,     -- how many events
  head_hash   text not null default '',       -- the hash of the last
  outcome     text,                           -- null while it runs
  wake_at     bigint,                         -- when to look again if nobody speaks
  reported    integer not null default 0,     -- the seq its card shows
  tracks      json not null default '{}',     -- the latest looks; lossy on purpose
  waits_for   json,                           -- the claim that stands in the way
  lease_epoch integer not null default 0,     -- fencing token
  lease_until bigint,
  created_at  bigint not null default signalbox_millis()
);

-- Of the runs that are live, or not yet shown: history may grow without slowing the sweep.
create index runs_waking on runs (wake_at) where outcome is null;
create index runs_held on runs (lease_until) where outcome is null and lease_until is not null;
create index runs_live on runs (number) where outcome is null;
create index runs_unreported on runs (number) where reported < seq;

create table events (                         -- the truth
  run  text not null references runs,
  seq  integer not null,
  at   bigint not null,
  type text not null,
  data json not null,                         -- canonical: sorted keys, no spaces
  hash text not null,                         -- covers the one before
  primary key (run, seq)
);

create table posts (                          -- which message shows what; no ref yet: we may have posted it
  run text not null references runs,
  key text not null,
  ref json,
  primary key (run, key)
);

create table claims (                         -- several shared ones may lie on one path
  path text not null,
  run  text not null references runs,
  mode text not null check (mode in ('exclusive', 'shared')),
  primary key (path, run)
);
create index claims_of_run on claims (run);

create table inbox (
  chat        text not null,
  delivery    text not null,
  received_at bigint not null default signalbox_millis(),
  body        json not null,
  answered_at bigint,
  primary key (chat, delivery)
);
create index inbox_unanswered on inbox (received_at) where answered_at is null;
