-- Posts may belong to a board, which is no run, and say what they show.
alter table posts drop constraint posts_run_fkey;
alter table posts rename column run to about;
alter table posts add column begun_at bigint; -- the chat is searched from here on
alter table posts add column shown json;      -- digests of the card without and with its meter, and the share; null: not known
alter table posts add column shown_at bigint;
-- Nobody wrote down when the old ones were begun. Too early a time only costs a longer search.
update posts set begun_at = created_at from runs where id = about;
alter table posts alter column begun_at set default signalbox_millis();
alter table posts alter column begun_at set not null;
create index posts_of_boards on posts (about) where about like 'board:%';

create table tellers (                        -- who makes the chats show a run or a board
  about      text primary key,
  epoch      integer not null,                -- fencing token
  until      bigint,                          -- null: nobody does
  trespassed boolean not null default false   -- somebody who had lost it went on while another told
);

create table follows (                        -- who wants to see what, and where
  id      bigint generated always as identity primary key,
  place   text not null,                      -- canonical JSON, so that equal places are equal texts
  kind    text not null check (kind in ('run', 'runs')),
  name    text not null,                      -- a run; or a runbook, or *
  pattern text,                               -- of the targets
  by      text not null,
  since   bigint not null default signalbox_millis(),
  unique (place, kind, name)
);

create table quiets (                         -- when only trouble rings in a place
  place       text primary key,
  from_minute integer not null,
  to_minute   integer not null,
  zone        text not null,
  by          text not null
);

alter table inbox add column outcome text;    -- what came of it
create index inbox_answered on inbox (answered_at) where answered_at is not null;
