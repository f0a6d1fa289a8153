import express, { type RequestHandler } from 'express';
import { problem, type Problem } from './problem.ts';

/**
 * Reads a JSON body, at most `limitBytes` (default 16 KiB): 415 for anything that does not call itself
 * `application/json`, 413 past the limit, 400 for what does not parse. Mount it behind authentication:
 * a token is read before a body. Not checked: the shape.
 */
export function jsonBody({ limitBytes = 16 * 1024 }: { limitBytes?: number } = {}): RequestHandler {
  const parse = express.json({ limit: limitBytes, strict: true, inflate: false });
  return (request, response, next) => {
    if (isJson(request.get('content-type'))) parse(request, response, next);
    else next(notJson());
  };
}

function isJson(contentType = ''): boolean {
  const [mediaType = ''] = contentType.split(';', 1);
  return mediaType.trim().toLowerCase() === 'application/json';
}

function notJson(): Problem {
  return problem({
    status: 415,
    type: 'unsupported-media-type',
    detail: 'Send application/json.',
    headers: { 'Accept-Post': 'application/json' },
  });
}
