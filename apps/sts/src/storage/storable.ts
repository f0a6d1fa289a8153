/**
 * Whether text can be a key in both databases: PostgreSQL keeps no NUL and fails on one, so there is nothing by such a
 * name. Ask before a stranger's text becomes part of a query; what is looked up by its digest needs no question.
 */
export function isStorable(text: string): boolean {
  return !text.includes('\0');
}
