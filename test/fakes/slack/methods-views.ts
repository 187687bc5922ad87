import { type Method, method, No, need } from './method.ts'
import { BOT } from './options.ts'
import { isJson, textOf } from './wire.ts'
import type { Json, View, World } from './world.ts'

/** How long a trigger may be exchanged for a dialog: "they expire in three seconds" (docs.slack.dev/interactivity). */
const TRIGGER_LIVES = 3_000

/** Dialogs and homes. */
export const VIEWS: Readonly<Record<string, Method>> = {
  'views.open': method(undefined, (args, world) => {
    const trigger = need(args, 'trigger_id')
    const known = world.triggers.get(trigger)
    if (!known) throw new No('invalid_trigger_id')
    if (known.used) throw new No('exchanged_trigger_id')
    if (world.now() - known.at > TRIGGER_LIVES) throw new No('expired_trigger_id')
    known.used = true
    return shown(world, opened(world, known.user, shapeOf(args, 'modal'), trigger))
  }),
  'views.update': method(undefined, (args, world) => {
    const id = textOf(args['view_id'])
    const external = textOf(args['external_id'])
    const view = [...world.views.values()].find(
      one => one.id === id || (external !== undefined && one.shape['external_id'] === external),
    )
    if (!view?.open) throw new No('not_found')
    return shown(world, changed(world, view, shapeOf(args, view.type), args))
  }),
  'views.publish': method(undefined, (args, world) => {
    const user = need(args, 'user_id')
    if (!world.people.has(user)) throw new No('user_not_found')
    const shape = shapeOf(args, 'home')
    const home = [...world.views.values()].find(one => one.type === 'home' && one.user === user)
    return shown(world, home ? changed(world, home, shape, args) : opened(world, user, shape))
  }),
}

function shapeOf(args: Json, type: View['type']): Json {
  const view = args['view']
  if (!isJson(view) || view['type'] !== type) throw new No('invalid_arguments')
  return view
}

function opened(world: World, user: string, shape: Json, trigger?: string): View {
  const id = world.id('V')
  const type = shape['type'] === 'home' ? 'home' : 'modal'
  const view: View = {
    id,
    type,
    user,
    root: id,
    shape,
    hash: world.id('h'),
    open: true,
    errors: {},
    ...(trigger === undefined ? {} : { trigger }),
  }
  world.views.set(id, view)
  return view
}

function changed(world: World, view: View, shape: Json, args: Json): View {
  if (args['hash'] !== undefined && args['hash'] !== view.hash) throw new No('hash_conflict')
  view.shape = shape
  view.hash = world.id('h')
  view.errors = {}
  return view
}

function shown(world: World, view: View): Json {
  world.tell({ is: 'view', view })
  return { view: viewJson(view, world) }
}

/** A view as the API and the payloads show it; `values` is what a person has filled in. */
export function viewJson(view: View, world: World, values: Json = {}): Json {
  const { type, callback_id = '', private_metadata = '', external_id = '', title, submit, close, blocks } = view.shape
  return {
    id: view.id,
    team_id: world.team,
    type,
    blocks,
    callback_id,
    private_metadata,
    external_id,
    ...(view.type === 'modal' ? { title, submit: submit ?? null, close: close ?? null } : {}),
    state: { values },
    hash: view.hash,
    clear_on_close: false,
    notify_on_close: view.shape['notify_on_close'] === true,
    previous_view_id: null,
    root_view_id: view.root,
    app_id: world.app,
    app_installed_team_id: world.team,
    bot_id: BOT.bot,
  }
}
