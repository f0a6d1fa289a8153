import { pathOf } from '@behalf/service';
import { originFormOf } from './origin-form.ts';

/** The id of a sign-in under way is in its cookie as well as in its address. */
const SIGN_IN_UNDER_WAY = /^(\/interaction|\/connect\/authorize)\/(?!style\.css$)[^/]+/i;

/** A request target as a log may have it: no query string, and no id that is also a cookie's value. */
export function loggedPath(target: string): string {
  return pathOf(originFormOf(target)).replace(SIGN_IN_UNDER_WAY, '$1/:uid');
}
