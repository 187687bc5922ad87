import { z } from 'zod'
import type { NotShown } from '../../ports/chat.ts'
import type { Finding } from './check.ts'

/** Fields of docs.slack.dev/reference/objects/usergroup-object; a count is a number or its digits, as Slack likes it. */
const Groups = z.object({
  usergroups: z.array(
    z.object({
      id: z.string(),
      handle: z.string().optional(),
      date_delete: z.number().optional(),
      user_count: z.coerce.number().optional(),
    }),
  ),
})
type Group = z.infer<typeof Groups>['usergroups'][number]

/** All groups of the workspace, the disabled ones too: so that one that gives a role to nobody is found before it is needed. */
export const LISTING = { include_disabled: true, include_count: true }

/** The user groups that the site names, against what Slack answers to `usergroups.list`. Pure. */
export function groupFindings(
  named: readonly string[],
  asked: { readonly answer: unknown } | { readonly trouble: NotShown },
): readonly Finding[] {
  if ('trouble' in asked)
    return [
      {
        ok: false,
        what: `The user groups cannot be seen: ${asked.trouble.message}.`,
        fix: 'Add the scope usergroups:read and install the app again. User groups need a paid plan of Slack.',
      },
    ]
  const found = Groups.safeParse(asked.answer).data
  if (!found)
    return [{ ok: false, what: 'Slack does not say which user groups there are.', fix: 'Is `api` really the address of Slack?' }]
  return named.map(id =>
    findingOf(
      id,
      found.usergroups.find(group => group.id === id),
    ),
  )
}

function findingOf(id: string, group: Group | undefined): Finding {
  if (!group)
    return {
      ok: false,
      what: `There is no user group ${id}, so the role that it gives is nobody's.`,
      fix: 'Open the group in Slack under People > User groups: the address ends with its id (S...).',
    }
  const name = `@${group.handle ?? id} (${id})`
  if ((group.date_delete ?? 0) > 0)
    return {
      ok: false,
      what: `The user group ${name} is disabled, so the role that it gives is nobody's.`,
      fix: 'Enable it in Slack, or take it out of the site file.',
    }
  if (group.user_count === 0)
    return {
      ok: false,
      what: `Nobody is in the user group ${name}.`,
      fix: 'Add people to it in Slack, or take it out of the site file.',
    }
  const count =
    group.user_count === undefined ? '' : `, with ${group.user_count} ${group.user_count === 1 ? 'person' : 'people'} in it`
  return { ok: true, what: `The user group ${name} is there${count}.` }
}
