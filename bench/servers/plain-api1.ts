/** The front half of the chain without any security: asks the API behind it over kept connections and passes its JSON on. */
import { Agent, get } from 'node:http';
import express from 'express';

const upstream = `${process.env['API2_URL']}/accounts`;
const agent = new Agent({ keepAlive: true });

const app = express().disable('x-powered-by').disable('etag');
app.get('/accounts', async (_request, response) => {
  const answer = Promise.withResolvers<unknown>();
  get(upstream, { agent }, (incoming) => {
    let body = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (part: string) => (body += part));
    incoming.once('end', () => answer.resolve(JSON.parse(body)));
  }).once('error', answer.reject);
  response.json(await answer.promise);
});
app.listen(Number(process.env['PORT']), '127.0.0.1');
