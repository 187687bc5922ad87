import pg from 'pg'
import { CannotStart } from './cannot-start.ts'
import { patiently, transaction } from './migrate.ts'

/** The roles of a database that the two kinds of process log in as. */
export interface Roles {
  readonly bot: string // hears people, and writes down what they said
  readonly worker: string // does what a run says is due
}

/** What only a worker comes to know: that it sends, looked, or died. */
const NOT_FOR_BOTS = ['step.intended', 'step.shown', 'step.looked', 'worker.lost']
/** What people say. A worker says nothing for them. */
const NOT_FOR_WORKERS = [
  'run.started',
  'run.heard',
  'run.paused',
  'run.resumed',
  'run.broke-glass',
  'run.reviewed',
  'step.voted',
  'step.skip-asked',
]
/**
 * Freezes, schedules and policies are runs, so that a worker carries them out; who is who is found out where people are heard. The rules of
 * the very first start are put down by whoever starts first.
 */
const LEDGER_OF_BOTS = `type like 'link.%' or type like 'factor.%' or type = 'anchored'
  or (type = 'policy.accepted' and not exists (select from ledger before where before.type = 'policy.accepted'))`
const LEDGER_OF_WORKERS = `type like 'freeze.%' or type like 'schedule.%' or type = 'policy.accepted'`

/**
 * Deals out what each role needs and nothing more, and takes back what it or another role in its place had before. What follows
 * from a change (a step that is done, a gate that opens, the end) is written with it, so both write that. Nobody but the owner
 * edits or deletes what is logged. `queue` is the schema of BullMQ, where it lives in this database: there everybody may write,
 * for a nudge says nothing but which run to look at. Throws CannotStart for roles that could do more than they are given.
 */
export async function dealRights(url: string, schema: string, queue: string | undefined, roles: Roles): Promise<void> {
  await patiently(url, schema, client =>
    transaction(client, schema, async () => {
      await bothAreFit(client, roles)
      const before = await client.query<{ readonly role: string }>(
        `select distinct unnest(roles)::text as role from pg_policies where schemaname = current_schema() and policyname in ('bot_writes', 'worker_writes')`,
      )
      const held = new Set([...before.rows.map(row => row.role), roles.bot, roles.worker])
      for (const role of held) await client.query(taken(role, schema, queue))
      await client.query(dealt(roles, schema, queue))
    }),
  )
}

/** Whom rights were dealt out to before: an upgrade brings new tables, and they need their share of those. */
export const dealtTo = (url: string, schema: string): Promise<Roles | undefined> =>
  patiently(url, schema, async client => {
    const { rows } = await client.query<{ readonly policy: string; readonly role: string }>(
      `select policyname as policy, roles[1]::text as role from pg_policies where schemaname = current_schema() and tablename = 'events'`,
    )
    const [bot, worker] = ['bot_writes', 'worker_writes'].map(name => rows.find(row => row.policy === name)?.role)
    return bot === undefined || worker === undefined ? undefined : { bot, worker }
  })

interface Standing {
  readonly name: string
  readonly enters: boolean
  readonly mighty: boolean // what is granted, and what is not, means nothing to it
  readonly other: boolean // may act as the other one as well
}

async function bothAreFit(client: pg.Client, { bot, worker }: Roles): Promise<void> {
  if (bot === worker) throw new CannotStart('The bot and the worker need roles of their own: name two different ones.')
  const { rows } = await client.query<Standing>(
    `select rolname as name, rolcanlogin as enters,
       rolsuper or rolbypassrls or rolcreaterole or exists (
         select from pg_roles owner where pg_has_role(role.oid, owner.oid, 'member')
         and (owner.oid = (select relowner from pg_class where oid = 'events'::regclass) or owner.rolname = 'pg_write_all_data')) as mighty,
       exists (select from pg_roles other where other.rolname = any($1) and other.oid <> role.oid and pg_has_role(role.oid, other.oid, 'member')) as other
     from pg_roles role where rolname = any($1)`,
    [[bot, worker]],
  )
  for (const name of [bot, worker]) {
    const role = rows.find(row => row.name === name)
    if (!role)
      throw new CannotStart(
        `There is no role ${name} in this database. Make it first: create role ${pg.escapeIdentifier(name)} login.`,
      )
    if (!role.enters)
      throw new CannotStart(`The role ${name} cannot log in. Let it: alter role ${pg.escapeIdentifier(name)} login.`)
    if (role.mighty)
      throw new CannotStart(
        `The role ${name} may do everything here: it is the owner, a superuser, or may act as one. Name a role that has no rights yet.`,
      )
    if (role.other)
      throw new CannotStart(`The role ${name} may act as the other one. Name two roles that have nothing to do with each other.`)
  }
}

const taken = (role: string, schema: string, queue: string | undefined): string =>
  [schema, ...(queue === undefined ? [] : [queue])]
    .flatMap(name => [
      `revoke all on all tables in schema ${name} from ${pg.escapeIdentifier(role)}`,
      `revoke all on all sequences in schema ${name} from ${pg.escapeIdentifier(role)}`,
      `revoke all on schema ${name} from ${pg.escapeIdentifier(role)}`,
    ])
    .join(';')

/** The columns that the head of a run is written anew with each change. */
const HEAD = 'seq, head_hash, outcome, wake_at, review, reported'
const READ_BY_BOTH = 'runs, events, claims, ledger, seals, migrations'

function dealt(roles: Roles, schema: string, queue: string | undefined): string {
  const [bot, worker] = [pg.escapeIdentifier(roles.bot), pg.escapeIdentifier(roles.worker)]
  return `
    grant usage on schema ${schema} to ${bot}, ${worker};
    grant select on ${READ_BY_BOTH} to ${bot}, ${worker};
    grant insert on events, ledger to ${bot}, ${worker};
    grant delete on claims to ${bot}, ${worker};

    grant usage on sequence run_numbers to ${bot};
    grant insert (id, number, origin, place) on runs to ${bot};
    grant update (${HEAD}) on runs to ${bot};
    grant select, insert, update, delete on posts, tellers, follows, quiets, turns to ${bot};
    grant select, insert, delete on inbox to ${bot};
    grant update (answered_at, outcome) on inbox to ${bot};

    grant update (${HEAD}, tracks, waits_for, lease_epoch, lease_until) on runs to ${worker};
    grant insert, update (mode) on claims to ${worker};
    grant select on inbox to ${worker};

    ${guarded('events', { bot, worker }, `type not in (${texts(NOT_FOR_BOTS)})`, `type not in (${texts(NOT_FOR_WORKERS)})`)}
    ${guarded('ledger', { bot, worker }, LEDGER_OF_BOTS, LEDGER_OF_WORKERS)}
    ${queue === undefined ? '' : doorbell(queue, bot, worker)}`
}

/** Row by row, as the table's grants cannot say it. The owner is not bound by this. */
const guarded = (table: string, { bot, worker }: Roles, ofBots: string, ofWorkers: string): string => `
    alter table ${table} enable row level security;
    drop policy if exists everybody_reads on ${table};
    drop policy if exists bot_writes on ${table};
    drop policy if exists worker_writes on ${table};
    create policy everybody_reads on ${table} for select using (true);
    create policy bot_writes on ${table} for insert to ${bot} with check (${ofBots});
    create policy worker_writes on ${table} for insert to ${worker} with check (${ofWorkers});`

const doorbell = (queue: string, bot: string, worker: string): string => `
    grant usage on schema ${queue} to ${bot}, ${worker};
    grant select, insert, update, delete on all tables in schema ${queue} to ${bot}, ${worker};
    grant usage, select on all sequences in schema ${queue} to ${bot}, ${worker};`

const texts = (all: readonly string[]): string => all.map(text => pg.escapeLiteral(text)).join(', ')
