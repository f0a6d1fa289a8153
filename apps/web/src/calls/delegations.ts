import type { InfiniteData } from '@tanstack/react-query';
import type { Delegation, DelegationPage } from '../api/account-api.ts';

/** As the server says it. `blocked`: the user took the right back, and no other token is issued in that session. */
export type Standing = 'live' | 'blocked' | 'ended';

/** A service that acts at another one, with all its tokens for that in one session, and those who act on its behalf. */
export interface ActingNode {
  readonly key: string;
  /** Client id. */
  readonly actor: string;
  readonly audience: string | undefined;
  readonly scopes: readonly string[];
  /** The newest first. */
  readonly tokens: readonly Delegation[];
  readonly standing: Standing;
  readonly children: readonly ActingNode[];
}

/** Refusals of the same kind. */
export interface Refusals {
  readonly actor: string;
  readonly audience: string | undefined;
  readonly scope: string;
  readonly reason: string | undefined;
  readonly count: number;
  /** Epoch seconds. */
  readonly lastAt: number;
}

export interface SessionTree {
  readonly nodes: readonly ActingNode[];
  readonly refusals: readonly Refusals[];
}

const NO_SESSION = '';

/** Who acted, as a tree for each session. `delegations`: the newest first, as the server lists them. */
export function treesOf(delegations: readonly Delegation[]): ReadonlyMap<string, SessionTree> {
  const sessions = Map.groupBy(delegations, ({ session }) => session ?? NO_SESSION);
  return new Map(
    [...sessions].map(([session, rows]) => [
      session,
      {
        nodes: nodesOf(rows.filter(({ outcome }) => outcome === 'issued')),
        refusals: refusalsOf(rows.filter(({ outcome }) => outcome === 'refused')),
      },
    ]),
  );
}

function nodesOf(rows: readonly Delegation[]): readonly ActingNode[] {
  const groups = Map.groupBy(rows, ({ session, actors, audience }) =>
    JSON.stringify([session, actors, audience]),
  );
  const isParent = (upper: Delegation, lower: Delegation) =>
    upper.actors.join(' ') === lower.actors.slice(1).join(' ') && upper.actors.length > 0;
  const nodeOf = ([key, tokens]: readonly [string, readonly Delegation[]]): ActingNode => {
    const [newest] = tokens;
    const below = [...groups].filter(([, [lower]]) => newest && lower && isParent(newest, lower));
    return {
      key,
      actor: newest ? actorOf(newest) : '',
      audience: newest?.audience ?? undefined,
      scopes: [...new Set(tokens.flatMap(({ scope }) => scope?.split(' ') ?? []))],
      tokens,
      standing: standingOf(tokens),
      children: below.map(nodeOf),
    };
  };
  // One whose upper token has not been loaded yet stands at the top.
  const tops = [...groups].filter(
    ([, [first]]) => first && ![...groups].some(([, [upper]]) => upper && isParent(upper, first)),
  );
  return tops.map(nodeOf);
}

function standingOf(tokens: readonly Delegation[]): Standing {
  if (tokens.some(({ active }) => active)) return 'live';
  return tokens.some(({ blocked }) => blocked) ? 'blocked' : 'ended';
}

function refusalsOf(rows: readonly Delegation[]): readonly Refusals[] {
  const kinds = Map.groupBy(rows, (row) =>
    JSON.stringify([row.client_id, row.audience, row.scope, row.reason]),
  );
  return [...kinds.values()].flatMap((same) => {
    const [newest] = same;
    if (!newest) return [];
    const { client_id: actor, audience, scope, reason, at } = newest;
    return {
      actor,
      audience: audience ?? undefined,
      scope: scope ?? '',
      reason: reason ?? undefined,
      count: same.length,
      lastAt: at,
    };
  });
}

/** The service that acted: the current actor. */
export function actorOf({ actors, client_id: clientId }: Delegation): string {
  return actors[0] ?? clientId;
}

/** The node and everything below it: what ends when the node is taken back. */
export function withDescendants(node: ActingNode): readonly ActingNode[] {
  return [node, ...node.children.flatMap(withDescendants)];
}

/** A token by which the node can be taken back; undefined when none is live. */
export function liveToken({ tokens }: ActingNode): Delegation | undefined {
  return tokens.find(({ active }) => active);
}

/** Far more than any delegated token lives: what is older has ended. */
const SURELY_OVER_SECONDS = 3600;

/** As much of an infinite query as this needs. */
export interface PagedDelegations {
  readonly data: InfiniteData<DelegationPage> | undefined;
  readonly hasNextPage: boolean;
  readonly error: Error | null;
  readonly isFetchNextPageError: boolean;
  fetchNextPage(): Promise<PagedDelegations>;
}

/**
 * Every delegation that may be taken back at `now` (epoch seconds), also those that no page has shown yet: pages are read until
 * the rest is too old to live. Throws when one cannot be read.
 */
export async function allLive(list: PagedDelegations, now: number): Promise<readonly Delegation[]> {
  let read = list;
  while (read.hasNextPage && (rowsOf(read).at(-1)?.at ?? now) > now - SURELY_OVER_SECONDS) {
    read = await read.fetchNextPage();
    if (read.isFetchNextPageError) throw read.error ?? new Error('the next page could not be read');
  }
  return rowsOf(read).filter(({ active }) => active);
}

export function rowsOf({ data }: Pick<PagedDelegations, 'data'>): readonly Delegation[] {
  return data?.pages.flatMap(({ delegations }) => delegations) ?? [];
}
