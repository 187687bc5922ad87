import { join, resolve } from 'node:path'

/** Everything the process knows about where it is. Nothing else reads process.env. */
export interface Environment {
  readonly folder: string // where Signalbox keeps its things
  readonly siteFile: string | undefined
  readonly databaseUrl: string | undefined
  readonly redisUrl: string | undefined
  readonly plain: boolean // no colours, no drawing
  readonly variables: Readonly<Record<string, string | undefined>>
}

export const environment = (
  variables: Readonly<Record<string, string | undefined>> = process.env,
  here = process.cwd(),
): Environment => ({
  folder: resolve(here, variables['SIGNALBOX_FOLDER'] ?? '.signalbox'),
  siteFile: variables['SIGNALBOX_SITE'] === undefined ? undefined : resolve(here, variables['SIGNALBOX_SITE']),
  databaseUrl: variables['SIGNALBOX_DATABASE_URL'],
  redisUrl: variables['SIGNALBOX_REDIS_URL'],
  plain: variables['NO_COLOR'] !== undefined || variables['TERM'] === 'dumb',
  variables,
})

/** The lab keeps its devices and its database apart from everything that is real. */
export const labFolder = ({ folder }: Environment): string => join(folder, 'lab')

/** Where the data is: of the site, or of the lab where no site is named. */
export const dataFolder = (environment: Environment): string =>
  environment.siteFile === undefined ? labFolder(environment) : environment.folder
