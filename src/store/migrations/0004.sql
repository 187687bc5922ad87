create table turns (                          -- how far each schedule has come: the runs themselves say what was begun
  schedule text primary key,
  due      bigint,                            -- the next turn; null: there is none any more
  turns    json not null
);
