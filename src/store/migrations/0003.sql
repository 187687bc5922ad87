create table ledger (                         -- what the house remembers beside its runs; chained as a run is
  seq  integer primary key,
  at   bigint not null,
  type text not null,
  data json not null,                         -- canonical: sorted keys, no spaces
  hash text not null,                         -- covers the one before
  mac  text                                   -- of the hash, made with a key that is not in this database
);

alter table events add column mac text;       -- null: written before there was a key, and not sealed yet

create table seals (                          -- one row once the log is sealed: from then on every entry has a mac
  since bigint not null,
  mac   text not null,                        -- of `since`: shows which key it was
  one   boolean primary key default true check (one)
);

alter table runs add column review boolean not null default false; -- somebody broke the glass, and nobody has closed the review
create index runs_reviewing on runs (number) where review;

alter table inbox add column mac text;         -- of the sentence, with a key that is not in this database
