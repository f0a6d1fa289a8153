import express, { type RequestHandler } from 'express';
import { problem, type Problem } from './problem.ts';

/**
 * Reads a JSON body, at most `limitBytes` (default 16 KiB): 415 for anything that does not call itself
 * `application/json`, 413 past the limit, 400 for what does not parse or has more
 * than 32 levels (what can be read cannot always be written again). Mount it behind authentication: a token is read
 * before a body. Not checked: the shape.
 */
export function jsonBody({ limitBytes = 16 * 1024 }: { limitBytes?: number } = {}): RequestHandler {
  const parse = express.json({ limit: limitBytes, strict: true, inflate: false });
  return (request, response, next) => {
    if (!isJson(request.get('content-type'))) return next(notJson());
    parse(request, response, (fault?: unknown) => {
      next(fault ?? (isNestedDeeper(request.body, MAXIMUM_DEPTH) ? tooDeep() : undefined));
    });
  };
}

function isJson(contentType = ''): boolean {
  const [mediaType = ''] = contentType.split(';', 1);
  return mediaType.trim().toLowerCase() === 'application/json';
}

const MAXIMUM_DEPTH = 32;

function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isNestedDeeper(member, levels - 1));
}

function tooDeep(): Problem {
  return problem({ status: 400, type: 'bad-request', detail: 'The body is nested too deep.' });
}

function notJson(): Problem {
  return problem({
    status: 415,
    type: 'unsupported-media-type',
    detail: 'Send application/json.',
    headers: { 'Accept-Post': 'application/json' },
  });
}
